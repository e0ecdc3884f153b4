#include "fusefs/link_target.h"

#include "tests/support/unit.h"

struct row {
    const char *path; /* of the link */
    const char *target;
    bool leaves;
};

static const struct row rows[] = {
    {"l", "x", false},
    {"l", "", false},
    {"l", ".", false},
    {"l", "..", true},
    {"l", "../x", true},
    {"l", "./.././x", true},
    {"l", "a/../x", false},
    {"l", "a/../../x", true},
    {"l", "a//..///../x", true},
    {"l", "...", false},
    {"l", "..x/../y", false},
    {"a/l", "../x", false},
    {"a/l", "..", false},
    {"a/l", "../..", true},
    {"a/b/l", "../../x", false},
    {"a/b/l", "../../../ws/x", true},
    {"l", "/", true},
    {"l", "//", true},
    {"l", "/home", true},
    {"l", "/usr", false},
    {"l", "/usr/bin/python3", false},
    {"l", "//usr//bin", false},
    {"l", "/./usr/.", false},
    {"l", "/usrx", true},
    {"l", "/us", true},
    {"l", "/usr/..", true},
    {"l", "/usr/../home", true},
    {"l", "/home/../usr", false},
    {"l", "/../../usr", false},
    {"l", "/usr/../../../etc/x", false},
    {"l", "/dev/null", false},
    {"l", "/dev/sda", true},
    {"l", "/dev", true},
    {"l", "/srv/ws", false},
    {"l", "/srv/ws/x", false},
    {"l", "/srv/ws/", false},
    {"l", "/srv/wsx", true},
    {"l", "/srv", true},
    {"l", "/srv/ws/..", true},
    {"l", "/srv/ws/../ws/x", false},
    {"l", "/srv/ws/../../home", true},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool leaves = link_target_leaves(str_view_from(rows[i].target), str_view_from(rows[i].path),
                                         str_view_from("/srv/ws"));

        if (leaves != rows[i].leaves) {
            fail_msg("%s -> %s: %s", rows[i].path, rows[i].target, leaves ? "leaves" : "stays");
        }
    }
}

static void test_no_workspace(void **state)
{
    (void)state;
    assert_true(
        link_target_leaves(str_view_from("/srv/ws"), str_view_from("l"), (struct str_view){0}));
    assert_true(
        link_target_leaves(str_view_from("/srv/ws"), str_view_from("l"), str_view_from("srv/ws")));
    assert_true(
        link_target_leaves(str_view_from("/srv/ws"), str_view_from("l"), str_view_from("/")));
}

/* A link that no name is known of any more: as one in the root. */
static void test_no_path(void **state)
{
    (void)state;
    assert_false(
        link_target_leaves(str_view_from("x"), (struct str_view){0}, (struct str_view){0}));
    assert_true(
        link_target_leaves(str_view_from("../x"), (struct str_view){0}, (struct str_view){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_workspace),
        cmocka_unit_test(test_no_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
