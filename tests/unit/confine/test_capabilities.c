#include "tests/support/unit.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/confine/capabilities.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/privileges.h"

/* Capabilities do not come back, so each test runs in a child; its exit code is the first check
 * that failed. */
static int in_child(int (*body)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(body());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Root has them already; anybody else gets a full set over a user namespace of their own. */
static int become_capable(void)
{
    return geteuid() == 0 ? 0 : namespace_new(CLONE_NEWUSER);
}

static int keep_one_body(void)
{
    const capability_set kept = CAPABILITY(CAP_KILL);
    struct capability_state state;

    if (become_capable() < 0) {
        return 77;
    }
    if (capabilities_keep_only(kept) != 0 || capabilities_read(&state) != 0) {
        return 1;
    }
    return state.effective == kept && state.permitted == kept && state.bounding == kept &&
                   state.inheritable == 0 && state.ambient == 0 && capabilities_have(kept) &&
                   !capabilities_have(CAPABILITY(CAP_SYS_ADMIN))
               ? 0
               : 2;
}

static void keeping_one_drops_all_others_everywhere(void **state)
{
    int result = in_child(keep_one_body);

    (void)state;
    if (result == 77) {
        skip();
    }
    assert_int_equal(result, 0);
}

static int no_regain_body(void)
{
    if (become_capable() < 0) {
        return 77;
    }
    if (capabilities_keep_only(CAPABILITIES_NONE) != 0) {
        return 1;
    }
    return capabilities_keep_only(CAPABILITY(CAP_SYS_ADMIN)) == -EPERM ? 0 : 2;
}

static void what_is_dropped_cannot_be_kept_later(void **state)
{
    int result = in_child(no_regain_body);

    (void)state;
    if (result == 77) {
        skip();
    }
    assert_int_equal(result, 0);
}

/* Without CAP_SETPCAP the bounding set stays, and only no_new_privs makes that harmless. */
static int powerless_body(void)
{
    if (become_capable() < 0) {
        return 77;
    }
    if (capabilities_keep_only(CAPABILITIES_NONE) != 0 || geteuid() == 0) {
        /* the bounding set is empty by now: nothing is left to shrink */
        return capabilities_keep_only(CAPABILITIES_NONE) == 0 ? 0 : 1;
    }
    return privileges_forbid_new() == 0 && capabilities_keep_only(CAPABILITIES_NONE) == 0 ? 0 : 2;
}

static void dropping_twice_is_no_error(void **state)
{
    int result = in_child(powerless_body);

    (void)state;
    if (result == 77) {
        skip();
    }
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeping_one_drops_all_others_everywhere),
        cmocka_unit_test(what_is_dropped_cannot_be_kept_later),
        cmocka_unit_test(dropping_twice_is_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
