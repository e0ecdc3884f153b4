#include "tests/support/unit.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/namespaces.h"
#include "shared/confine/user_map.h"

static int map_body(void)
{
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    const struct user_map_range user = {.inside = 4242, .outside = uid, .count = 1};
    const struct user_map_range group = {.inside = 4343, .outside = gid, .count = 1};
    const struct user_map map = {
        .users = &user,
        .user_count = 1,
        .groups = &group,
        .group_count = 1,
        .deny_setgroups = true,
    };

    if (namespace_new(CLONE_NEWUSER) < 0) {
        return 77;
    }
    if (user_map_write(0, &map) != 0) {
        return 1;
    }
    if (geteuid() != 4242 || getegid() != 4343) {
        return 2;
    }
    return user_map_write(0, &map) < 0 ? 0 : 3; /* once only */
}

static void one_own_id_can_be_mapped_by_anybody(void **state)
{
    pid_t pid = fork();
    int status = 0;

    (void)state;
    if (pid == 0) {
        _exit(map_body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(status, 0);
}

static void a_namespace_is_entered_as_what_it_is(void **state)
{
    AUTO_CLOSE int net = namespace_open_own(CLONE_NEWNET);

    (void)state;
    assert_true(net >= 0);
    assert_true(namespace_enter(net, CLONE_NEWUSER) < 0); /* of another type */
}

static void the_highest_mapped_id_is_known(void **state)
{
    uint32_t highest = 0;

    (void)state;
    assert_int_equal(user_map_own_highest(&highest), 0);
    assert_true(highest >= geteuid());
    if (namespace_user_is_initial()) {
        assert_int_equal(highest, 4294967294U);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_own_id_can_be_mapped_by_anybody),
        cmocka_unit_test(a_namespace_is_entered_as_what_it_is),
        cmocka_unit_test(the_highest_mapped_id_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
