#include "tests/support/unit.h"

#include <string.h>

#include "shared/policy/host_name.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_253                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                         \
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void a_name_is_folded(void **state)
{
    static const char *const names[][2] = {
        {"www.example.org", "www.example.org"},
        {"WWW.Example.ORG", "www.example.org"},
        {"www.example.org.", "www.example.org"},
        {"a", "a"},
        {"_dmarc.x-1.test", "_dmarc.x-1.test"},
        {"0x.test", "0x.test"},
        {"7.example.a7", "7.example.a7"},
        {LABEL_63 "." LABEL_63, LABEL_63 "." LABEL_63},
        {NAME_253, NAME_253},
        {NAME_253 ".", NAME_253},
    };
    char text[HOST_NAME_TEXT_MAX];
    struct str_view folded;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(host_name_fold(str_view_from(names[i][0]), text, &folded));
        assert_string_equal(text, names[i][1]);
        assert_int_equal(folded.length, strlen(names[i][1]));
    }
}

static void what_no_rule_can_spell_is_no_name(void **state)
{
    static const char *const refused[] = {
        "",
        ".",
        "..",
        "a..",
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
        "a" NAME_253,
        /* what resolvers take for an address */
        "203.0.113.7",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "1.2.3",
        "0x",
        "a.0xcafe",
    };
    static const char with_nul[] = "a.test\0.evil";
    char text[HOST_NAME_TEXT_MAX];
    struct str_view folded;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_false(host_name_fold(str_view_from(refused[i]), text, &folded));
    }
    assert_false(host_name_fold((struct str_view){with_nul, sizeof(with_nul) - 1}, text, &folded));
}

static void patterns_are_names_with_one_star_in_front(void **state)
{
    static const char *const refused[] = {"",         "*.",      "**",        "*.*.test",
                                          "a.*.test", "*a.test", "*.1.2.3.4", "a b"};
    char text[HOST_NAME_TEXT_MAX];
    struct host_pattern pattern;

    (void)state;
    assert_null(host_pattern_parse(str_view_from("*"), text, &pattern));
    assert_int_equal(pattern.kind, HOST_ANY);
    assert_null(host_pattern_parse(str_view_from("*.Example.org"), text, &pattern));
    assert_int_equal(pattern.kind, HOST_SUBDOMAINS);
    assert_true(str_view_equals_text(pattern.name, "example.org"));
    assert_null(host_pattern_parse(str_view_from("api.example.org"), text, &pattern));
    assert_int_equal(pattern.kind, HOST_EXACT);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_non_null(host_pattern_parse(str_view_from(refused[i]), text, &pattern));
    }
    assert_true(host_name_is_dotted(str_view_from("a.b")));
    assert_false(host_name_is_dotted(str_view_from("localhost")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_folded),
        cmocka_unit_test(what_no_rule_can_spell_is_no_name),
        cmocka_unit_test(patterns_are_names_with_one_star_in_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
