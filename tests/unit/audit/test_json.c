/*
 * What the log's JSON may be, by both readers of it: the scan that takes values out of a record,
 * and the judge of what a producer sends as members. What one takes, the other takes.
 */
#include "tests/support/unit.h"

#include "shared/audit/json_members.h"
#include "shared/audit/json_scan.h"
#include "shared/base/cleanup.h"

static bool scan_takes(const char *text)
{
    struct json_scan scan = json_scan_init(str_view_from(text));
    struct str_view raw;

    return json_scan_value(&scan, &raw) && scan.at == scan.end &&
           str_view_equals(raw, str_view_from(text));
}

static const char *const sound[] = {
    "{}",
    "{\"a\":0}",
    "{\"a\":-1,\"b\":[],\"c\":{},\"d\":null}",
    "{\"a\":true,\"b\":false}",
    "{\"a\":1.5,\"b\":-0.25}",
    "{\"a\":[1,[2,[3]],{\"b\":\"c\"}]}",
    "{\"a\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"}",
    "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
    "{\"a\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]]}",
};

static const char *const unsound[] = {
    "",
    "{",
    "{}}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1 }",
    "{a:1}",
    "{\"a\":tru}",
    "{\"a\":fals}",
    "{\"a\":nul}",
    "{\"a\":-}",
    "{\"a\":1.}",
    "{\"a\":1e}",
    "{\"a\":1e5}",
    "{\"a\":.5}",
    "{\"a\":[1,]}",
    "{\"a\":[1}",
    "{\"a\":{\"b\":1]}",
    "{\"a\":\"b}",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u0\"}",
    "{\"a\":\"\\uD800\"}",
    "{\"a\":\"\xff\"}",
    "{\"a\":\"\xc3\"}",
    "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}",
};

static void both_take_what_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
        if (!scan_takes(sound[i]) || !json_object_is_sound(str_view_from(sound[i]))) {
            fail_msg("refused by %s: %s", scan_takes(sound[i]) ? "the judge" : "the scan",
                     sound[i]);
        }
    }
}

static void both_refuse_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unsound) / sizeof(unsound[0]); i++) {
        if (scan_takes(unsound[i]) || json_object_is_sound(str_view_from(unsound[i]))) {
            fail_msg("taken by %s: %s", scan_takes(unsound[i]) ? "the scan" : "the judge",
                     unsound[i]);
        }
    }
}

/* Readers differ in which of two equal names they believe. */
static void a_name_given_twice_is_refused(void **state)
{
    (void)state;
    assert_false(json_object_is_sound(str_view_from("{\"a\":1,\"a\":2}")));
    assert_false(json_members_are_sound(str_view_from("\"a\":1,\"a\":2")));
    assert_false(json_members_are_sound(str_view_from("\"op\":\"read\"")));
    assert_true(json_members_are_sound(str_view_from("")));
    assert_true(json_members_are_sound(str_view_from("\"host\":\"a\",\"uid\":0")));
}

static void members_are_walked_in_order(void **state)
{
    struct str_view rest = str_view_from("\"a\":[1,{\"x\":\",}\"}],\"b\":\"\\\"c\",\"d\":2");
    struct str_view key, value;

    (void)state;
    assert_true(json_members_next(&rest, &key, &value));
    assert_true(str_view_equals(key, str_view_from("a")));
    assert_true(str_view_equals(value, str_view_from("[1,{\"x\":\",}\"}]")));
    assert_true(json_members_next(&rest, &key, &value));
    assert_true(str_view_equals(value, str_view_from("\"\\\"c\"")));
    assert_true(json_members_next(&rest, &key, &value));
    assert_true(str_view_equals(value, str_view_from("2")));
    assert_false(json_members_next(&rest, &key, &value));
}

static bool count_of(const char *text, uint64_t *ret_count)
{
    struct json_scan scan = json_scan_init(str_view_from(text));

    return json_scan_count(&scan, ret_count) && scan.at == scan.end;
}

static bool nanoseconds_of(const char *text, uint64_t *ret_ns)
{
    struct json_scan scan = json_scan_init(str_view_from(text));

    return json_scan_milliseconds(&scan, ret_ns) && scan.at == scan.end;
}

static void counts_have_one_spelling(void **state)
{
    uint64_t count = 0;

    (void)state;
    assert_true(count_of("0", &count) && count == 0);
    assert_true(count_of("18446744073709551615", &count) && count == UINT64_MAX);
    assert_false(count_of("18446744073709551616", &count));
    assert_false(count_of("99999999999999999999", &count));
    assert_false(count_of("00", &count));
    assert_false(count_of("-1", &count));
    assert_false(count_of("", &count));
    assert_true(nanoseconds_of("1.000001", &count) && count == 1000001);
    assert_true(nanoseconds_of("2", &count) && count == 2000000);
    assert_false(nanoseconds_of("1.0000001", &count));
    assert_false(nanoseconds_of("1.", &count));
    assert_false(nanoseconds_of("18446744073709551615", &count));
}

static void texts_are_decoded(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct json_scan scan = json_scan_init(str_view_from("\"a\\n\\u0001\\\\\\\"\\b\\f\\r\\t\""));
    struct json_text value;

    (void)state;
    assert_true(json_scan_string(&scan, &value));
    assert_true(value.has_escapes);
    json_text_append(&text, value);
    assert_true(str_view_equals(text_buffer_view(&text), str_view_from("a\n\001\\\"\b\f\r\t")));
    assert_true(json_text_equals(value, str_view_from("a\n\001\\\"\b\f\r\t")));
    assert_false(json_text_equals(value, str_view_from("a\n")));
    assert_false(json_text_equals(value, str_view_from("a\n\001\\\"\b\f\r\tb")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_take_what_is_sound),
        cmocka_unit_test(both_refuse_what_is_not),
        cmocka_unit_test(a_name_given_twice_is_refused),
        cmocka_unit_test(members_are_walked_in_order),
        cmocka_unit_test(counts_have_one_spelling),
        cmocka_unit_test(texts_are_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
