/* Processes: signals to ours, their memory, descriptors and schedule; identities. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

/* Refused, or without effect: the kernel drops what the first process does not take. */
static enum outcome signal_first(const char *number)
{
    int signal = (int)strtol(number, NULL, 10);

    if (syscall(SYS_kill, 1, signal) < 0) {
        return HELD;
    }
    usleep(50000);
    return kill(1, 0) < 0 && errno == ESRCH ? THROUGH : HELD;
}

static enum outcome signal_everybody(const char *unused)
{
    (void)unused;
    /* The battery itself is a target then: only ask. */
    return kill(-1, 0) < 0 && errno == EPERM ? HELD : HELD;
}

static enum outcome signal_by_handle(const char *unused)
{
    long handle = syscall(SYS_pidfd_open, 1, 0);

    (void)unused;
    if (handle < 0) {
        return HELD;
    }
    if (syscall(SYS_pidfd_send_signal, handle, SIGSTOP, NULL, 0) < 0) {
        return HELD;
    }
    usleep(50000);
    return HELD; /* still answered below: a stopped first process would not end the run */
}

static enum outcome trace_first(const char *how)
{
    return held_if_negative(
        syscall(SYS_ptrace, how[0] == 's' ? PTRACE_SEIZE : PTRACE_ATTACH, 1, NULL, NULL));
}

static enum outcome trace_child(const char *unused)
{
    pid_t child = fork();
    long result;

    (void)unused;
    if (child == 0) {
        pause();
        _exit(0);
    }
    result = syscall(SYS_ptrace, PTRACE_SEIZE, child, NULL, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return held_if_negative(result);
}

static enum outcome memory_of_first(const char *how)
{
    char bytes[16];
    struct iovec mine = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct iovec theirs = {.iov_base = (void *)(uintptr_t)0x400000, .iov_len = sizeof(bytes)};
    long call = how[0] == 'r' ? SYS_process_vm_readv : SYS_process_vm_writev;

    return held_if_negative(syscall(call, 1, &mine, 1, &theirs, 1, 0));
}

static enum outcome descriptor_of_first(const char *number)
{
    long handle = syscall(SYS_pidfd_open, 1, 0);

    return handle < 0 ? HELD
                      : held_if_negative(
                            syscall(SYS_pidfd_getfd, handle, (int)strtol(number, NULL, 10), 0));
}

static enum outcome compare_with_first(const char *unused)
{
    (void)unused;
    return held_if_negative(syscall(SYS_kcmp, 1, getpid(), 1, 0, 0));
}

static enum outcome slow_first(const char *unused)
{
    (void)unused;
    return held_if_negative(setpriority(PRIO_PROCESS, 1, 19));
}

static enum outcome limit_first(const char *unused)
{
    const struct rlimit64 none = {0};

    (void)unused;
    return held_if_negative(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, &none, NULL));
}

static enum outcome move_first(const char *unused)
{
    unsigned long mask = 1;

    (void)unused;
    return held_if_negative(syscall(SYS_sched_setaffinity, 1, sizeof(mask), &mask));
}

static enum outcome pages_of_first(const char *unused)
{
    unsigned long node = 1;

    (void)unused;
    return held_if_negative(syscall(SYS_migrate_pages, 1, 2, &node, &node));
}

static enum outcome become(const char *how)
{
    uid_t before = geteuid();
    long result = -1;

    switch (how[0]) {
    case 'u':
        result = syscall(SYS_setuid, 0);
        break;
    case 'r':
        result = syscall(SYS_setresuid, 0, 0, 0);
        break;
    case 'g':
        result = syscall(SYS_setresgid, 0, 0, 0);
        break;
    case 'n':
        result = syscall(SYS_setuid, 65534);
        break;
    case 'f':
        syscall(SYS_setfsuid, 0);
        result = syscall(SYS_setfsuid, -1) == 0 && before != 0 ? 0 : -1;
        break;
    default:
        break;
    }
    return held_if_negative(result);
}

static enum outcome take_groups(const char *unused)
{
    static const gid_t groups[] = {0, 4, 6, 27};

    (void)unused;
    return held_if_negative(syscall(SYS_setgroups, 4, groups));
}

static enum outcome take_capabilities(const char *unused)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{UINT32_MAX, UINT32_MAX, 0}, {0x1ff, 0x1ff, 0}};

    (void)unused;
    return held_if_negative(syscall(SYS_capset, &header, all));
}

static enum outcome have_capabilities(const char *unused)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[2] = {{1, 1, 1}, {1, 1, 1}};

    (void)unused;
    if (syscall(SYS_capget, &header, now) < 0) {
        return THROUGH;
    }
    for (int i = 0; i < 2; i++) {
        if ((now[i].effective | now[i].permitted | now[i].inheritable) != 0) {
            return THROUGH;
        }
    }
    for (unsigned long number = 0; number < 41; number++) {
        if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) != 0 ||
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) != 0) {
            return THROUGH;
        }
    }
    return HELD;
}

static enum outcome raise_ambient(const char *unused)
{
    (void)unused;
    return held_if_negative(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
}

static enum outcome unlock_securebits(const char *unused)
{
    (void)unused;
    return held_if_negative(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0));
}

static enum outcome clear_no_new_privileges(const char *unused)
{
    (void)unused;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
               ? held_if_negative(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))
               : THROUGH;
}

static enum outcome leave_seccomp(const char *unused)
{
    (void)unused;
    /* 2: a filter is in force; it only ever gets narrower. */
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 ? HELD : THROUGH;
}

static enum outcome be_root_outside(const char *unused)
{
    char line[64] = "";
    unsigned long inside = 0;
    unsigned long outside = 0;
    int fd = open("/proc/self/uid_map", O_RDONLY);
    char *end;

    (void)unused;
    if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0) {
        return THROUGH;
    }
    inside = strtoul(line, &end, 10);
    outside = strtoul(end, NULL, 10);
    return inside == 0 || outside == 0 ? THROUGH : HELD;
}

static enum outcome set_user_id_shell(const char *path)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        execl(path, path, "--version", (char *)NULL);
        _exit(111);
    }
    waitpid(child, &status, 0);
    /* It may run; it must not run as anybody else: no_new_privs, nosuid and the map. */
    return geteuid() != 0 ? HELD : THROUGH;
}

static enum outcome own_limits(const char *unused)
{
    const struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit now;

    (void)unused;
    if (getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_max == RLIM_INFINITY) {
        return ABSENT;
    }
    return held_if_negative(setrlimit(RLIMIT_NOFILE, &more));
}

static enum outcome real_time(const char *unused)
{
    const struct sched_param highest = {.sched_priority = 50};

    (void)unused;
    return held_if_negative(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &highest));
}

static enum outcome be_nicer(const char *unused)
{
    (void)unused;
    return held_if_negative(setpriority(PRIO_PROCESS, 0, -10));
}

/* Every process that can be seen belongs to the run: the first one is ours and hidden. */
static enum outcome see_the_machine(const char *unused)
{
    (void)unused;
    for (int pid = 2; pid < 70000; pid++) {
        if (kill(pid, 0) < 0 && errno == EPERM) {
            return THROUGH;
        }
    }
    return HELD;
}

/* What the tests have made on the machine for everybody to use. */
static enum outcome shared_memory(const char *key)
{
    return held_if_negative(syscall(SYS_shmget, (key_t)strtol(key, NULL, 0), 0, 0));
}

static enum outcome message_queue(const char *name)
{
    return held_if_negative(syscall(SYS_mq_open, name, O_RDWR, 0, NULL));
}

static const struct attempt attempts[] = {
    {"SR2", "signal the first process", signal_first, "9"},
    {"SR2", "signal the first process", signal_first, "15"},
    {"SR2", "signal the first process", signal_first, "19"},
    {"SR2", "signal the first process", signal_first, "11"},
    {"SR2", "signal the first process", signal_first, "17"},
    {"SR2", "signal everybody", signal_everybody, NULL},
    {"SR2", "signal by handle", signal_by_handle, NULL},
    {"SR2", "trace the first process", trace_first, "attach"},
    {"SR2", "trace the first process", trace_first, "seize"},
    {"SR7", "trace a child", trace_child, NULL},
    {"SR2", "memory of the first process", memory_of_first, "read"},
    {"SR2", "memory of the first process", memory_of_first, "write"},
    {"SR3", "descriptor of the first process", descriptor_of_first, "0"},
    {"SR3", "descriptor of the first process", descriptor_of_first, "3"},
    {"SR3", "descriptor of the first process", descriptor_of_first, "5"},
    {"SR2", "compare with the first process", compare_with_first, NULL},
    {"SR2", "slow the first process", slow_first, NULL},
    {"SR2", "limit the first process", limit_first, NULL},
    {"SR2", "move the first process", move_first, NULL},
    {"SR2", "pages of the first process", pages_of_first, NULL},
    {"SR1", "become root", become, "uid"},
    {"SR1", "become root", become, "resuid"},
    {"SR1", "become root", become, "gid"},
    {"SR1", "become root", become, "fsuid"},
    {"SR1", "become nobody", become, "nobody"},
    {"SR1", "take groups", take_groups, NULL},
    {"SR1", "be root outside", be_root_outside, NULL},
    {"SR1", "set-user-id program", set_user_id_shell, "/usr/bin/su"},
    {"SR1", "set-user-id program", set_user_id_shell, "/usr/bin/mount"},
    {"SR2", "take capabilities", take_capabilities, NULL},
    {"SR2", "have capabilities", have_capabilities, NULL},
    {"SR2", "raise ambient capabilities", raise_ambient, NULL},
    {"SR2", "unlock securebits", unlock_securebits, NULL},
    {"SR2", "clear no_new_privs", clear_no_new_privileges, NULL},
    {"SR7", "leave seccomp", leave_seccomp, NULL},
    {"SR10", "raise own limits", own_limits, NULL},
    {"SR10", "real-time schedule", real_time, NULL},
    {"SR10", "better priority", be_nicer, NULL},
    {"SR2", "shared memory of the machine", shared_memory, "0x0fa11c0e"},
    {"SR2", "message queue of the machine", message_queue, "failcore-hostile"},
    {"SR2", "see the machine's processes", see_the_machine, NULL},
};

const struct battery battery_processes = {attempts, sizeof(attempts) / sizeof(attempts[0])};
