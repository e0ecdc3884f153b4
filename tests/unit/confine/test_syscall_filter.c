#include "tests/support/unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/privileges.h"
#include "shared/confine/syscall_filter.h"

/* A filter does not come off again, so each probe is a child; it answers with the errno it got. */
#define ANSWER_OK      0
#define ANSWER_NO_LOAD 254

static int probe(bool nested, bool io_uring, long number, const long args[static 3])
{
    const struct syscall_filter_options options = {.nested = nested, .io_uring = io_uring};
    AUTO(syscall_filter_clear) struct syscall_filter filter = {0};
    int status = 0;
    pid_t pid;

    assert_int_equal(syscall_filter_build(&options, &filter), 0);
    pid = fork();
    if (pid == 0) {
        if (privileges_forbid_new() < 0 || syscall_filter_load(&filter) < 0) {
            _exit(ANSWER_NO_LOAD);
        }
        errno = 0;
        if (syscall(number, args[0], args[1], args[2], 0, 0, 0) >= 0) {
            _exit(ANSWER_OK);
        }
        _exit(errno);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int probe0(long number)
{
    return probe(false, false, number, (const long[3]){-1, -1, -1});
}

static void every_row_of_the_table_is_refused(void **state)
{
    struct syscall_row rows[128];
    size_t count = syscall_filter_rows(rows, 128);
    size_t probed = 0;

    (void)state;
    assert_true(count > 50 && count < 128);
    for (size_t i = 0; i < count; i++) {
        int answer;

        assert_true(strlen(rows[i].reason) > 0);
        if (rows[i].number < 0) {
            continue;
        }
        answer = probe0(rows[i].number);
        if (answer != EPERM) {
            print_error("%s answers %d\n", rows[i].name, answer);
        }
        assert_int_equal(answer, EPERM);
        probed++;
    }
    assert_true(probed > 45);
}

static void nested_mode_opens_its_rows_and_no_other(void **state)
{
    struct syscall_row rows[128];
    size_t count = syscall_filter_rows(rows, 128);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number >= 0 && rows[i].when == SYSCALL_ALWAYS) {
            assert_int_equal(probe(true, false, rows[i].number, (const long[3]){-1, -1, -1}),
                             EPERM);
        }
    }
    assert_int_equal(
        probe(true, false, SYS_fsopen, (const long[3]){0, -1, 0}) == EPERM && geteuid() == 0, 0);
    /* It reaches the kernel, which may say EINVAL to a sanitizer's process of two threads. */
    assert_int_not_equal(probe(true, false, SYS_unshare, (const long[3]){CLONE_NEWUSER, 0, 0}),
                         EPERM);
    assert_int_equal(probe(false, false, SYS_unshare, (const long[3]){CLONE_NEWUSER, 0, 0}), EPERM);
    assert_int_equal(probe(false, true, SYS_io_uring_setup, (const long[3]){0, 0, 0}) == EPERM, 0);
}

static void namespaces_cannot_be_made_by_any_flag(void **state)
{
    static const long flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                 CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        assert_int_equal(probe(false, false, SYS_unshare, (const long[3]){flags[i], 0, 0}), EPERM);
        assert_int_equal(
            probe(false, false, SYS_unshare, (const long[3]){flags[i] | CLONE_FILES, 0, 0}), EPERM);
        assert_int_equal(probe(false, false, SYS_clone, (const long[3]){flags[i] | SIGCHLD, 0, 0}),
                         EPERM);
    }
    assert_int_equal(probe(false, false, SYS_unshare, (const long[3]){0x80, 0, 0}), EPERM);
    assert_int_equal(probe(false, false, SYS_unshare, (const long[3]){CLONE_FILES, 0, 0}), 0);
    assert_int_equal(probe0(SYS_clone3), ENOSYS);
}

static void only_four_socket_families_exist(void **state)
{
    (void)state;
    for (long family = 0; family < AF_MAX + 3; family++) {
        bool allowed =
            family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
        int answer = probe(false, false, SYS_socket, (const long[3]){family, SOCK_DGRAM, 0});

        assert_int_equal(answer == EAFNOSUPPORT, !allowed);
    }
    /* The kernel takes 32 bits: nothing may hide in the upper ones. */
    assert_int_equal(
        probe(false, false, SYS_socket, (const long[3]){(1L << 32) | AF_PACKET, SOCK_DGRAM, 0}),
        EAFNOSUPPORT);
    assert_int_equal(probe(false, false, SYS_socket, (const long[3]){AF_INET, SOCK_RAW, 1}), EPERM);
    assert_int_equal(
        probe(false, false, SYS_socket, (const long[3]){AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 58}),
        EPERM);
    assert_int_equal(
        probe(false, false, SYS_socket, (const long[3]){AF_INET, (1L << 32) | SOCK_RAW, 1}), EPERM);
    assert_int_equal(probe(false, false, SYS_socket, (const long[3]){AF_NETLINK, SOCK_RAW, 12}),
                     EPROTONOSUPPORT);
    assert_int_equal(probe(false, false, SYS_socket, (const long[3]){AF_NETLINK, SOCK_RAW, 0}), 0);
}

static void typing_for_the_user_is_refused(void **state)
{
    (void)state;
    assert_int_equal(probe(false, false, SYS_ioctl, (const long[3]){0, TIOCSTI, 0}), EPERM);
    /* CVE-2019-10063: the upper half of the request is not compared by the kernel. */
    assert_int_equal(probe(false, false, SYS_ioctl, (const long[3]){0, (1L << 32) | TIOCSTI, 0}),
                     EPERM);
    assert_int_equal(probe(false, false, SYS_ioctl, (const long[3]){0, TIOCLINUX, 0}), EPERM);
    assert_int_not_equal(probe(false, false, SYS_ioctl, (const long[3]){0, TIOCGWINSZ, 0}), EPERM);
}

static void personality_can_be_asked_and_not_changed(void **state)
{
    (void)state;
    assert_int_equal(probe(false, false, SYS_personality, (const long[3]){ADDR_NO_RANDOMIZE, 0, 0}),
                     EPERM);
    assert_int_equal(probe(false, false, SYS_personality, (const long[3]){PER_LINUX32, 0, 0}),
                     EPERM);
    assert_int_equal(probe(false, false, SYS_personality, (const long[3]){0xffffffffL, 0, 0}), 0);
    assert_int_equal(probe(false, false, SYS_personality, (const long[3]){0, 0, 0}), 0);
}

static void calls_that_nobody_knew_do_not_exist(void **state)
{
    (void)state;
    for (long number = 470; number < 500; number++) {
        assert_int_equal(probe0(number), ENOSYS);
    }
}

#ifdef __x86_64__
static void x32_calls_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(probe0(0x40000000L | SYS_getpid), 1000 + SIGSYS);
}
#endif

static void limits_of_other_processes_are_refused(void **state)
{
    struct rlimit limit = {100, 100};

    (void)state;
    assert_int_equal(
        probe(false, false, SYS_prlimit64, (const long[3]){1, RLIMIT_NOFILE, (long)&limit}), EPERM);
    assert_int_equal(
        probe(false, false, SYS_prlimit64, (const long[3]){0, RLIMIT_NOFILE, (long)&limit}), 0);
}

/* Its answer is a lie that harms nobody; the limit is what it was. */
static void the_limit_of_core_files_stays(void **state)
{
    const struct syscall_filter_options options = {0};
    AUTO(syscall_filter_clear) struct syscall_filter filter = {0};
    int status = 0;
    pid_t pid;

    (void)state;
    assert_int_equal(syscall_filter_build(&options, &filter), 0);
    pid = fork();
    if (pid == 0) {
        struct rlimit limit = {1, 1};
        struct rlimit zero = {0};
        bool held = setrlimit(RLIMIT_CORE, &limit) == 0 && privileges_forbid_new() == 0 &&
                    syscall_filter_load(&filter) == 0;

        held = held && setrlimit(RLIMIT_CORE, &zero) == 0 &&
               syscall(SYS_setrlimit, RLIMIT_CORE, &zero) == 0 &&
               syscall(SYS_prlimit64, 0, (1L << 32) | RLIMIT_CORE, &zero, NULL) == 0 &&
               syscall(SYS_prlimit64, 0, RLIMIT_CORE, &zero, &limit) < 0 && errno == EPERM &&
               syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, &zero, NULL) < 0;
        limit = zero;
        _exit(held && getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void ordinary_calls_pass(void **state)
{
    (void)state;
    assert_int_equal(probe(false, false, SYS_getpid, (const long[3]){0, 0, 0}), 0);
    assert_int_equal(probe(false, false, SYS_dup, (const long[3]){1, 0, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_is_refused),
        cmocka_unit_test(nested_mode_opens_its_rows_and_no_other),
        cmocka_unit_test(namespaces_cannot_be_made_by_any_flag),
        cmocka_unit_test(only_four_socket_families_exist),
        cmocka_unit_test(typing_for_the_user_is_refused),
        cmocka_unit_test(personality_can_be_asked_and_not_changed),
        cmocka_unit_test(calls_that_nobody_knew_do_not_exist),
#ifdef __x86_64__
        cmocka_unit_test(x32_calls_end_the_process),
#endif
        cmocka_unit_test(limits_of_other_processes_are_refused),
        cmocka_unit_test(the_limit_of_core_files_stays),
        cmocka_unit_test(ordinary_calls_pass),
    };

    /* Inside another filter the answers are that one's. */
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2) {
        printf("skipped: this process is under a filter already\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
