#include "tests/support/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/process_handle.h"

static void an_exit_code_comes_through_the_handle(void **state)
{
    AUTO_CLOSE int handle = -1;
    struct process_end end = {0};
    pid_t pid = process_fork(&handle);

    (void)state;
    if (pid == 0) {
        _exit(7);
    }
    assert_true(pid > 0);
    assert_int_equal(process_handle_wait(handle, 10000), 0);
    assert_true(process_handle_ended(handle));
    assert_int_equal(process_handle_reap(handle, &end), 0);
    assert_int_equal(end.exit_code, 7);
    assert_int_equal(end.signal, 0);
    assert_int_equal(process_handle_signal(handle, SIGKILL), -ESRCH);
    assert_int_equal(process_handle_reap(handle, &end), -ECHILD);
}

static void a_signal_through_the_handle_ends_it(void **state)
{
    AUTO_CLOSE int handle = -1;
    struct process_end end = {0};
    pid_t pid = process_fork(&handle);

    (void)state;
    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(process_handle_wait(handle, 0), -ETIMEDOUT);
    assert_false(process_handle_ended(handle));
    assert_int_equal(process_handle_signal(handle, SIGKILL), 0);
    assert_int_equal(process_handle_reap(handle, &end), 0);
    assert_int_equal(end.exit_code, -1);
    assert_int_equal(end.signal, SIGKILL);
}

static void a_stopped_child_is_known_as_such(void **state)
{
    AUTO_CLOSE int handle = -1;
    struct process_end end = {0};
    pid_t pid = process_fork(&handle);

    (void)state;
    if (pid == 0) {
        kill(getpid(), SIGSTOP);
        _exit(0);
    }
    while (!process_handle_stopped(handle)) {
        usleep(1000);
        assert_false(process_handle_ended(handle));
    }
    assert_false(process_handle_stopped(handle));
    assert_false(process_handle_ended(handle));
    assert_int_equal(process_handle_signal(handle, SIGKILL), 0);
    assert_int_equal(process_handle_reap(handle, &end), 0);
}

/* The grandchild is waited for here, although another process made it. */
static void a_process_can_be_made_for_the_parent(void **state)
{
    AUTO_CLOSE int maker = -1;
    struct process_end end = {0};
    siginfo_t info = {0};
    pid_t pid = process_fork(&maker);

    (void)state;
    if (pid == 0) {
        int handle = -1;
        pid_t made = process_fork_for_parent(&handle);

        if (made == 0) {
            _exit(9);
        }
        /* clone3(2) is refused inside a run: no filter can see its flags */
        _exit(made == -ENOSYS ? 77 : made > 0 && handle >= 0 ? 0 : 1);
    }
    assert_int_equal(process_handle_reap(maker, &end), 0);
    if (end.exit_code == 77) {
        skip();
    }
    assert_int_equal(end.exit_code, 0);
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED), 0);
    assert_int_equal(info.si_status, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_code_comes_through_the_handle),
        cmocka_unit_test(a_signal_through_the_handle_ends_it),
        cmocka_unit_test(a_stopped_child_is_known_as_such),
        cmocka_unit_test(a_process_can_be_made_for_the_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
