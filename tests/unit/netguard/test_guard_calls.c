#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/guard_calls.h"
#include "shared/confine/privileges.h"

#define NOT_CONFINED 254

/* A filter does not come off again, so each attempt is a child; it answers with the errno it got.
 */
static int attempt(enum guard_process process, long number, const long args[static 6])
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (privileges_forbid_new() < 0 || guard_calls_enter(process) < 0) {
            _exit(NOT_CONFINED);
        }
        errno = 0;
        _exit(syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]) >= 0 ? 0
                                                                                         : errno);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static const enum guard_process processes[] = {GUARD_DAEMON, GUARD_RESOLVER, GUARD_ASKER};

struct attempt_row {
    const char *what;
    long number;
    long args[6];
    unsigned int allowed; /* to these processes */
};

static const char root[] = "/";
static const char passwd[] = "/etc/passwd";
static const char shell[] = "/bin/true";

static void files_programs_and_privileges_are_out_of_reach(void **state)
{
    const struct attempt_row rows[] = {
        {"open a file", SYS_openat, {AT_FDCWD, (long)passwd, O_RDONLY}, 0},
        {"open a directory", SYS_openat, {AT_FDCWD, (long)root, O_RDONLY | O_DIRECTORY}, 0},
        {"execute", SYS_execve, {(long)shell}, 0},
        {"execute by descriptor", SYS_execveat, {AT_FDCWD, (long)shell}, 0},
        {"fork", SYS_clone, {SIGCHLD}, 0},
        {"a namespace", SYS_unshare, {CLONE_NEWUSER}, 0},
        {"another's namespace", SYS_setns, {0, CLONE_NEWNET}, 0},
        {"signal itself", SYS_kill, {getpid(), 0}, 0},
        {"signal its parent", SYS_kill, {getppid(), 0}, 0},
        {"another identity", SYS_setresuid, {-1, -1, -1}, 0},
        {"capabilities", SYS_capset, {0, 0}, 0},
        {"mount", SYS_mount, {(long)"x", (long)root, (long)"tmpfs"}, 0},
        {"trace", SYS_ptrace, {0}, 0},
        {"another's memory", SYS_process_vm_readv, {getppid()}, 0},
        {"bpf", SYS_bpf, {0}, 0},
        {"io_uring", SYS_io_uring_setup, {1}, 0},
        {"a key", SYS_keyctl, {0}, 0},
        {"a memory file", SYS_memfd_create, {(long)"x", 0}, 0},
        {"the processor's priority", SYS_sched_setscheduler, {0}, 0},
        {"code in new memory",
         SYS_mmap,
         {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
         0},
        {"memory", SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}, GUARD_ALL},
        {"a socket of the internet", SYS_socket, {AF_INET, SOCK_DGRAM, 0}, GUARD_ASKER},
        {"a socket of IPv6", SYS_socket, {AF_INET6, SOCK_STREAM, 0}, GUARD_ASKER},
        {"a local socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, 0},
        {"a packet socket", SYS_socket, {AF_PACKET, SOCK_RAW, 0}, 0},
        {"a netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}, 0},
        {"the time", SYS_clock_gettime, {0, 0}, 0},
        {"who it is", SYS_getpid, {0}, GUARD_ALL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t j = 0; j < sizeof(processes) / sizeof(processes[0]); j++) {
            int answer = attempt(processes[j], rows[i].number, rows[i].args);
            bool allowed = (rows[i].allowed & (unsigned int)processes[j]) != 0;

            if (rows[i].number == SYS_clock_gettime) {
                assert_int_equal(answer, EFAULT); /* it gets as far as its missing buffer */
                continue;
            }
            if (answer != (allowed ? 0 : EPERM)) {
                print_error("%s, process %d: %d\n", rows[i].what, (int)processes[j], answer);
            }
            assert_int_equal(answer, allowed ? 0 : EPERM);
        }
    }
}

static void a_descriptor_is_no_way_to_files(void **state)
{
    int directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_true(directory >= 0);
    assert_int_equal(
        attempt(GUARD_DAEMON, SYS_openat, (const long[6]){directory, (long)"etc/passwd", O_RDONLY}),
        EPERM);
    assert_int_equal(
        attempt(GUARD_DAEMON, SYS_openat2, (const long[6]){directory, (long)"etc/passwd", 0, 24}),
        EPERM);
    close(directory);
}

static void every_row_has_its_reason(void **state)
{
    const struct guard_call *rows;
    size_t count = guard_calls(&rows);

    (void)state;
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(rows[i].reason) > 3);
        assert_int_not_equal(rows[i].processes & GUARD_ALL, 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(rows[i].name, rows[j].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_programs_and_privileges_are_out_of_reach),
        cmocka_unit_test(a_descriptor_is_no_way_to_files),
        cmocka_unit_test(every_row_has_its_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
