#include "tests/support/unit.h"

#include "netguard/dns/label_entropy.h"

static uint64_t tenths(const char *text)
{
    return label_entropy(str_view_from(text)) * 10 / LABEL_ENTROPY_BIT;
}

static void the_documented_examples(void **state)
{
    (void)state;
    assert_int_equal(tenths("api"), 47);
    assert_int_equal(tenths("d3adb33f"), 172);
    assert_int_equal(tenths("k7q2m9x4b1z8c5v0n3l6p4j7h2g9f1d8"), 1480);
}

static void no_letter_is_free(void **state)
{
    (void)state;
    assert_int_equal(tenths(""), 0);
    assert_int_equal(tenths("a"), 10);
    assert_int_equal(tenths("www"), 30);
    assert_int_equal(tenths("aaaaaaaaaaaaaaaa"), 160);
}

static void labels_add_up(void **state)
{
    char long_text[201];

    (void)state;
    assert_int_equal(label_entropy(STR_VIEW_LITERAL("api.d3adb33f")),
                     label_entropy(STR_VIEW_LITERAL("api")) +
                         label_entropy(STR_VIEW_LITERAL("d3adb33f")));
    memset(long_text, 'a', 200);
    long_text[200] = '\0';
    assert_int_equal(tenths(long_text), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_examples),
        cmocka_unit_test(no_letter_is_free),
        cmocka_unit_test(labels_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
