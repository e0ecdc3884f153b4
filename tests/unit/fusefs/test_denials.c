#include "tests/support/unit.h"

#include "fusefs/denials.h"
#include "shared/base/cleanup.h"

static struct denials denials;

static void add(uid_t uid, const char *path)
{
    denials_add(&denials, uid, "write", "PATH_DENIED", "EACCES", STR_VIEW_LITERAL("rule"),
                STR_VIEW_LITERAL("because"), str_view_from(path));
}

static void shows_its_own_to_each(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    denials_init(&denials);
    add(1, "mine");
    add(2, "theirs");
    denials_print(&denials, 1, &text);
    assert_non_null(strstr(text_buffer_text(&text), "\"path\":\"mine\",\"code\":\"PATH_DENIED\","
                                                    "\"errno\":\"EACCES\",\"rule\":\"rule\","
                                                    "\"reason\":\"because\",\"count\":1}\n"));
    assert_null(strstr(text_buffer_text(&text), "theirs"));
    text_buffer_reset(&text);
    denials_print(&denials, 0, &text);
    assert_non_null(strstr(text_buffer_text(&text), "theirs"));
}

static void counts_the_same_again(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    denials_init(&denials);
    for (int i = 0; i < 1000; i++) {
        add(1, "again");
    }
    denials_print(&denials, 1, &text);
    assert_non_null(strstr(text_buffer_text(&text), "\"count\":1000}\n"));
    assert_ptr_equal(strchr(text_buffer_text(&text), '\n') + 1,
                     text_buffer_text(&text) + text.length);
}

static void keeps_the_last(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    char path[DENIAL_PATH_MAX * 2];
    size_t lines = 0;

    (void)state;
    denials_init(&denials);
    for (int i = 0; i < DENIALS_KEPT + 10; i++) {
        snprintf(path, sizeof(path), "f%d", i);
        add(1, path);
    }
    denials_print(&denials, 1, &text);
    for (const char *at = text_buffer_text(&text); *at != '\0'; at++) {
        lines += *at == '\n';
    }
    assert_int_equal(lines, DENIALS_KEPT);
    assert_null(strstr(text_buffer_text(&text), "\"f9\""));
    assert_non_null(strstr(text_buffer_text(&text), "\"f10\""));
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    add(1, path); /* cut, not spilt */
    text_buffer_reset(&text);
    denials_print(&denials, 1, &text);
    assert_int_equal(text_buffer_error(&text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_its_own_to_each),
        cmocka_unit_test(counts_the_same_again),
        cmocka_unit_test(keeps_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
