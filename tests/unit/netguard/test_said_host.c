#include "tests/support/unit.h"

#include <string.h>

#include "netguard/flow/said_host.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void a_name_is_said_in_small_letters(void **state)
{
    static const char *const names[][2] = {
        {"www.example.org", "www.example.org"},
        {"WWW.Example.ORG", "www.example.org"},
        {"a", "a"},
        {"_dmarc.x-1.test", "_dmarc.x-1.test"},
        {"203.0.113.7", "203.0.113.7"},
        {LABEL_63 "." LABEL_63, LABEL_63 "." LABEL_63},
    };
    char host[254];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(said_host(str_view_from(names[i][0]), host, sizeof(host)));
        assert_string_equal(host, names[i][1]);
    }
}

static void what_no_rule_can_spell_is_no_name(void **state)
{
    static const char *const refused[] = {
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a/b",
        "a:1",
        "[::1]",
        "a@b",
        "caf\xc3\xa9.test",
        "a%2eb",
        "*.a",
        "a\tb",
        LABEL_63 "a",
        LABEL_63 "a.b",
        "b." LABEL_63 "a",
        "b." LABEL_63 "a.c",
    };
    static const char with_nul[] = "a.test\0.evil";
    char host[254];

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(said_host(str_view_from(refused[i]), host, sizeof(host)));
    }
    assert_false(said_host((struct str_view){with_nul, sizeof(with_nul) - 1}, host, sizeof(host)));
}

static void the_room_is_kept(void **state)
{
    char host[8] = "guarded";

    (void)state;
    assert_true(said_host(str_view_from("ab.test"), host, sizeof(host)));
    assert_false(said_host(str_view_from("abc.test"), host, sizeof(host)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_said_in_small_letters),
        cmocka_unit_test(what_no_rule_can_spell_is_no_name),
        cmocka_unit_test(the_room_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
