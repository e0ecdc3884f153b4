#include "tests/support/unit.h"

#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/base/utf8.h"

static const char *shown(struct text_buffer *text, struct str_view value, enum inert_medium medium)
{
    text_buffer_reset(text);
    inert_text_append(text, value, medium);
    return text_buffer_text(text);
}

static void what_acts_is_shown_by_name(void **state)
{
    const struct {
        struct str_view value;
        const char *terminal;
        const char *html;
    } rows[] = {
        {STR_VIEW_LITERAL("src/main.c"), "src/main.c", "src/main.c"},
        {STR_VIEW_LITERAL("\x1b[31mred"), "\\x1b[31mred", "\\x1b[31mred"},
        {STR_VIEW_LITERAL("a\nb\tc\rd\\e"), "a\\nb\\tc\\rd\\\\e", "a\\nb\\tc\\rd\\\\e"},
        {STR_VIEW_LITERAL("nul\0end"), "nul\\x00end", "nul\\x00end"},
        {STR_VIEW_LITERAL("\x7f\xff\xed\xa0\x80"), "\\x7f\\xff\\xed\\xa0\\x80",
         "\\x7f\\xff\\xed\\xa0\\x80"},
        /* C1 as UTF-8 (CSI is U+009B) and as a bare byte: told apart. */
        {STR_VIEW_LITERAL("\xc2\x9b"
                          "31m \x9b"),
         "\\u{9b}31m \\x9b", "\\u{9b}31m \\x9b"},
        {STR_VIEW_LITERAL("txt.\xe2\x80\xae"
                          "cod"),
         "txt.\\u{202e}cod", "txt.\\u{202e}cod"},
        {STR_VIEW_LITERAL("\xe2\x81\xa6 \xe2\x80\x8b \xef\xbb\xbf \xf3\xa0\x81\x81"),
         "\\u{2066} \\u{200b} \\u{feff} \\u{e0041}", "\\u{2066} \\u{200b} \\u{feff} \\u{e0041}"},
        {STR_VIEW_LITERAL("<script>a('&\")"), "<script>a('&\")",
         "&lt;script&gt;a(&#39;&amp;&quot;)"},
        {STR_VIEW_LITERAL("caf\xc3\xa9 \xe6\x97\xa5"), "caf\xc3\xa9 \xe6\x97\xa5",
         "caf\xc3\xa9 \xe6\x97\xa5"},
        {STR_VIEW_LITERAL("\\u{202e}"), "\\\\u{202e}", "\\\\u{202e}"},
    };
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(shown(&text, rows[i].value, INERT_TERMINAL), rows[i].terminal);
        assert_string_equal(shown(&text, rows[i].value, INERT_HTML), rows[i].html);
    }
}

/* Every code point, every byte: nothing that acts comes out, and what comes out is UTF-8. */
static void nothing_that_acts_comes_out(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char bytes[4];
        size_t length = 0;
        bool acts = code < 0x20 || (code >= 0x7F && code <= 0x9F) ||
                    (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
                    (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF || code == 0x61C ||
                    (code >= 0xE0000 && code <= 0xE007F);

        if (code < 0x80) {
            bytes[length++] = (char)code;
        } else if (code < 0x800) {
            bytes[length++] = (char)(0xC0 | code >> 6);
        } else if (code < 0x10000) {
            bytes[length++] = (char)(0xE0 | code >> 12);
            bytes[length++] = (char)(0x80 | (code >> 6 & 0x3F));
        } else {
            bytes[length++] = (char)(0xF0 | code >> 18);
            bytes[length++] = (char)(0x80 | (code >> 12 & 0x3F));
            bytes[length++] = (char)(0x80 | (code >> 6 & 0x3F));
        }
        if (code >= 0x80) {
            bytes[length++] = (char)(0x80 | (code & 0x3F));
        }
        shown(&text, (struct str_view){bytes, length}, INERT_TERMINAL);
        assert_true(utf8_is_valid(text_buffer_view(&text)));
        if (acts || !utf8_is_valid((struct str_view){bytes, length})) {
            assert_int_equal(text.bytes[0], '\\');
            for (size_t i = 0; i < text.length; i++) {
                assert_in_range(text.bytes[i], 0x21, 0x7E);
            }
        }
    }
}

static void a_cut_keeps_both_ends_and_the_width(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct str_view path = STR_VIEW_LITERAL("node_modules/very/deep/tree/of/things/index.js");

    (void)state;
    assert_int_equal(inert_text_append_cut(&text, path, 20, INERT_TERMINAL), 20);
    assert_string_equal(text_buffer_text(&text), "node_m…ings/index.js");
    for (size_t columns = 0; columns < 60; columns++) {
        struct str_view hostile = STR_VIEW_LITERAL("\x1b[2J\xe6\x97\xa5\xe6\x9c\xac<b>\xff\xff/\n"
                                                   "\xe2\x80\xae\xe6\x97\xa5/x.js");

        text_buffer_reset(&text);
        assert_true(inert_text_append_cut(&text, hostile, columns, INERT_TERMINAL) <= columns);
        assert_true(utf8_is_valid(text_buffer_view(&text)));
        assert_null(memchr(text_buffer_text(&text), 0x1b, text.length));
    }
    text_buffer_reset(&text);
    assert_int_equal(inert_text_append_cut(&text, STR_VIEW_LITERAL("a<b"), 3, INERT_HTML), 3);
    assert_string_equal(text_buffer_text(&text), "a&lt;b");
}

static void json_keeps_its_meaning(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    assert_string_equal(
        shown(&text,
              STR_VIEW_LITERAL("{\"a\\n<\":\"\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\xc3\xa9\"}"),
              INERT_JSON),
        "{\"a\\n<\":\"\\u009b\\u202e\\udb40\\udc41\xc3\xa9\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_acts_is_shown_by_name),
        cmocka_unit_test(json_keeps_its_meaning),
        cmocka_unit_test(nothing_that_acts_comes_out),
        cmocka_unit_test(a_cut_keeps_both_ends_and_the_width),
    };

    return cmocka_run_group_tests_name("inert_text", tests, NULL, NULL);
}
