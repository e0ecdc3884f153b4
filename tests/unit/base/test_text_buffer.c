#include "tests/support/unit.h"

#include <errno.h>

#include "shared/base/cleanup.h"
#include "shared/base/text_buffer.h"
#include "shared/base/utf8.h"

static void grows_and_formats(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    assert_string_equal(text_buffer_text(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_buffer_printf(&text, "%d,", i);
    }
    assert_int_equal(text_buffer_error(&text), 0);
    assert_int_equal(text.length, 3890);
    assert_int_equal(strlen(text_buffer_text(&text)), 3890);
}

static void the_limit_sticks_and_keeps_what_was_there(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {.limit = 4};

    (void)state;
    text_buffer_append_text(&text, "abcd");
    text_buffer_append_text(&text, "e");
    text_buffer_append_text(&text, "");
    assert_int_equal(text_buffer_error(&text), -E2BIG);
    assert_string_equal(text_buffer_text(&text), "abcd");
    assert_null(text_buffer_take(&text));
}

static void json_strings_are_exact(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    text_buffer_append_json_string(
        &text, STR_VIEW_LITERAL("a\"\\/\b\f\n\r\t\x01\x7f\xc3\xa9\xff\xed\xa0\x80z\0y"));
    assert_string_equal(text_buffer_text(&text),
                        "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\xc3\xa9"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\\u0000y\"");
}

static void utf8_refuses_what_rfc3629_refuses(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(STR_VIEW_LITERAL("\xf4\x8f\xbf\xbf\xe0\xa0\x80")));
    assert_false(utf8_is_valid(STR_VIEW_LITERAL("\xf4\x90\x80\x80"))); /* past U+10FFFF */
    assert_false(utf8_is_valid(STR_VIEW_LITERAL("\xc0\xaf")));         /* overlong slash */
    assert_false(utf8_is_valid(STR_VIEW_LITERAL("\xe0\x9f\xbf")));
    assert_false(utf8_is_valid(STR_VIEW_LITERAL("\xed\xa0\x80"))); /* surrogate */
    assert_false(utf8_is_valid(STR_VIEW_LITERAL("\xe2\x82")));     /* cut */
    assert_false(utf8_is_valid(STR_VIEW_LITERAL("\xf0\x90\x28\xbc")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_formats),
        cmocka_unit_test(the_limit_sticks_and_keeps_what_was_there),
        cmocka_unit_test(json_strings_are_exact),
        cmocka_unit_test(utf8_refuses_what_rfc3629_refuses),
    };

    return cmocka_run_group_tests_name("text_buffer", tests, NULL, NULL);
}
