#include "tests/support/unit.h"

#include "fusefs/server_watch.h"

static bool is_stopped(const char *text)
{
    return server_watch_is_stopped(str_view_from(text));
}

static void by_its_state(void **state)
{
    (void)state;
    assert_false(is_stopped("12 (failcore-mount) S 1 12 12 0 -1"));
    assert_false(is_stopped("12 (failcore-mount) D 1 12 12 0 -1"));
    assert_true(is_stopped("12 (failcore-mount) T 1 12 12 0 -1"));
    assert_true(is_stopped("12 (failcore-mount) t 1 12 12 0 -1"));
}

static void the_name_says_nothing(void **state)
{
    (void)state;
    assert_false(is_stopped("12 (a) T () S 1 12"));
    assert_true(is_stopped("12 (a) S 1) T 1 12"));
}

static void what_cannot_be_read_is_no_life(void **state)
{
    (void)state;
    assert_true(is_stopped(""));
    assert_true(is_stopped("12 (cut"));
    assert_true(is_stopped("12 (cut)"));
    assert_true(is_stopped("12 (cut) "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_its_state),
        cmocka_unit_test(the_name_says_nothing),
        cmocka_unit_test(what_cannot_be_read_is_no_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
