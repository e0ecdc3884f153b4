#include "tests/support/unit.h"

#include "fusefs/mount_options.h"

static struct mount_options options;
static struct failure failure;

static int parse(int count, char **words)
{
    failure = (struct failure){0};
    return mount_options_parse(count, words, &options, &failure);
}
#define PARSE(...)                                                                                 \
    parse((int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__})

static char program[] = "failcore-mount", policy[] = "--policy", a[] = "a", b[] = "b",
            dashes[] = "--", option[] = "--strict", reload[] = "--reload", unmount[] = "--unmount",
            session[] = "--session-fd", seven[] = "7", shown[] = "--owner-shown-as",
            ids[] = "1000:1001", bad_ids[] = "1000:", profile[] = "--profile", agent[] = "agent",
            shared[] = "shared", other[] = "other", o[] = "-o", xattr[] = "noxattr,xattr",
            policy_fd[] = "--policy-fd", huge[] = "99999999999999999999";

static void words_and_options_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(PARSE(program, a, policy, b, b, option), 0);
    assert_string_equal(options.source, "a");
    assert_string_equal(options.mountpoint, "b");
    assert_int_equal(options.policy_count, 1);
    assert_true(options.strict);
    assert_int_equal(PARSE(program, dashes, option, b), 0);
    assert_string_equal(options.source, "--strict");
    assert_int_equal(PARSE(program, a), -22);
    assert_int_equal(PARSE(program, a, b, a), -22);
    assert_true(failure.mend[0] != '\0');
}

static void verbs_take_one_word(void **state)
{
    (void)state;
    assert_int_equal(PARSE(program, reload, a), 0);
    assert_int_equal(options.action, MOUNT_RELOAD);
    assert_string_equal(options.mountpoint, "a");
    assert_int_equal(PARSE(program, unmount, a), 0);
    assert_int_equal(options.action, MOUNT_UNMOUNT);
    assert_int_equal(PARSE(program, unmount, a, b), -22);
}

static void internal_options(void **state)
{
    (void)state;
    assert_int_equal(PARSE(program, session, seven, shown, ids, a), 0);
    assert_int_equal(options.session_fd, 7);
    assert_false(options.shared);
    assert_int_equal(options.shown_uid, 1000);
    assert_int_equal(options.shown_gid, 1001);
    assert_int_equal(PARSE(program, shown, bad_ids, a, b), -22);
    assert_int_equal(PARSE(program, session, huge, a), -22);
    assert_int_equal(PARSE(program, policy_fd, seven, policy, a, a, b), -22);
    assert_int_equal(PARSE(program, profile, shared, shown, ids, a, b), -22);
}

static void attributes_follow_the_profile(void **state)
{
    (void)state;
    assert_int_equal(PARSE(program, profile, agent, a, b), 0);
    assert_false(options.attributes);
    assert_int_equal(PARSE(program, profile, agent, o, xattr, a, b), 0);
    assert_true(options.attributes);
    assert_int_equal(PARSE(program, profile, shared, a, b), 0);
    assert_true(options.attributes);
    assert_int_equal(PARSE(program, profile, other, a, b), -22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_options_in_any_order),
        cmocka_unit_test(verbs_take_one_word),
        cmocka_unit_test(internal_options),
        cmocka_unit_test(attributes_follow_the_profile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
