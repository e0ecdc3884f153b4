/* Interfaces of the kernel that no run has any business with, and other numberings of calls. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

static enum outcome plain(const char *number)
{
    return held_if_negative(syscall(strtol(number, NULL, 10), -1, -1, -1, -1, -1, -1));
}

static enum outcome ring(const char *unused)
{
    struct io_uring_params params = {0};

    (void)unused;
    return held_if_negative(syscall(SYS_io_uring_setup, 4, &params));
}

static enum outcome program(const char *unused)
{
    union bpf_attr attr;

    (void)unused;
    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = 4;
    attr.max_entries = 1;
    return held_if_negative(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static enum outcome perf(const char *unused)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr)};

    (void)unused;
    attr.exclude_kernel = 1;
    return held_if_negative(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static enum outcome fault_handler(const char *flags)
{
    return held_if_negative(syscall(SYS_userfaultfd, strtol(flags, NULL, 10)));
}

static enum outcome keyring(const char *unused)
{
    (void)unused;
    return held_if_negative(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -4, 1));
}

static enum outcome add_a_key(const char *unused)
{
    (void)unused;
    return held_if_negative(syscall(SYS_add_key, "user", "hostile", "x", 1, -3));
}

static enum outcome other_personality(const char *number)
{
    return held_if_negative(syscall(SYS_personality, strtol(number, NULL, 16)));
}

static enum outcome clock_back(const char *unused)
{
    const struct timespec then = {0};

    (void)unused;
    return held_if_negative(syscall(SYS_clock_settime, CLOCK_REALTIME, &then));
}

static enum outcome kernel_log(const char *unused)
{
    char bytes[64];

    (void)unused;
    return held_if_negative(syscall(SYS_syslog, 3, bytes, sizeof(bytes)));
}

static enum outcome type_for_the_user(const char *descriptor)
{
    int fd = descriptor[0] == 't' ? open("/dev/tty", O_RDWR) : descriptor[0] - '0';

    return held_if_negative(ioctl(fd, TIOCSTI, "x"));
}

static enum outcome type_with_high_bits(const char *unused)
{
    (void)unused;
    return held_if_negative(syscall(SYS_ioctl, 0, (1L << 32) | TIOCSTI, "x"));
}

static enum outcome line_discipline(const char *unused)
{
    int discipline = 21; /* N_GSM0710 */

    (void)unused;
    return held_if_negative(ioctl(0, TIOCSETD, &discipline));
}

#ifdef __x86_64__
/* The same kernel entry with other numbers: a filter that forgets them is none. */
static enum outcome x32(const char *number)
{
    return held_if_negative(syscall(0x40000000L | strtol(number, NULL, 10), 0, 0, 0));
}

static enum outcome i386(const char *number)
{
    long result = strtol(number, NULL, 10);

    __asm__ volatile("int $0x80" : "+a"(result) : "b"(0), "c"(0), "d"(0) : "memory");
    return held_if_negative(result);
}
#endif

static const struct attempt attempts[] = {
    {"SR7", "io_uring", ring, NULL},
    {"SR7", "bpf", program, NULL},
    {"SR7", "perf", perf, NULL},
    {"SR7", "userfaultfd", fault_handler, "0"},
    {"SR7", "userfaultfd, user mode only", fault_handler, "1"},
    {"SR7", "keyring", keyring, NULL},
    {"SR7", "key", add_a_key, NULL},
    {"SR7", "personality", other_personality, "0040000"},
    {"SR7", "personality", other_personality, "0400000"},
    {"SR7", "personality", other_personality, "8"},
    {"SR7", "clock", clock_back, NULL},
    {"SR7", "kernel log", kernel_log, NULL},
    {"SR7", "kexec_load", plain, "246"},
    {"SR7", "init_module", plain, "175"},
    {"SR7", "finit_module", plain, "313"},
    {"SR7", "delete_module", plain, "176"},
    {"SR7", "reboot", plain, "169"},
    {"SR7", "swapon", plain, "167"},
    {"SR7", "acct", plain, "163"},
    {"SR7", "iopl", plain, "172"},
    {"SR7", "ioperm", plain, "173"},
    {"SR7", "modify_ldt", plain, "154"},
    {"SR7", "fanotify_init", plain, "300"},
    {"SR7", "move_pages", plain, "279"},
    {"SR7", "a call of the future", plain, "480"},
    {"SR3", "type for the user", type_for_the_user, "0"},
    {"SR3", "type for the user", type_for_the_user, "1"},
    {"SR3", "type for the user", type_for_the_user, "tty"},
    {"SR3", "type with high bits", type_with_high_bits, NULL},
    {"SR3", "line discipline", line_discipline, NULL},
#ifdef __x86_64__
    {"SR7", "x32 getpid", x32, "39"},
    {"SR7", "x32 mount", x32, "165"},
    {"SR7", "x32 ptrace", x32, "521"},
    {"SR7", "i386 getpid", i386, "20"},
    {"SR7", "i386 mount", i386, "21"},
    {"SR7", "i386 ptrace", i386, "26"},
    {"SR7", "i386 socketcall", i386, "102"},
#endif
};

const struct battery battery_calls = {attempts, sizeof(attempts) / sizeof(attempts[0])};
