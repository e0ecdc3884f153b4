/* A line by itself, and its place in the chain: each way to be wrong has its words. */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/audit/segment.h"
#include "tests/unit/audit/record_sample.h"

struct log {
    struct sha256 *sha;
    char text[RECORD_LINE_MAX];
    size_t length;
};

static int set_up(void **state)
{
    struct log *log = calloc(1, sizeof(*log));
    struct record_sample sample;
    uint64_t seed = 7;

    log->sha = sha256_new();
    record_sample_random(&sample, &seed);
    log->length = record_sample_line(&sample, log->text);
    *state = log;
    return 0;
}

static int tear_down(void **state)
{
    struct log *log = *state;

    sha256_free(log->sha);
    free(log);
    return 0;
}

static void refused(struct log *log, struct str_view text, const char *words)
{
    struct segment_line line;
    const char *why = NULL;

    assert_int_equal(segment_line_read(text, log->sha, &line, &why), -EBADMSG);
    assert_non_null(why);
    assert_non_null(strstr(why, words));
}

static void a_line_is_read(void **state)
{
    struct log *log = *state;
    struct segment_line line;
    const char *why = NULL;

    assert_int_equal(
        segment_line_read((struct str_view){log->text, log->length}, log->sha, &line, &why), 0);
    assert_true(segment_line_member(&line, NULL, "v").length == 1);
    assert_true(segment_line_member(&line, "merkle", "entry_hash").length == 66);
    assert_true(segment_line_member(&line, "merkle", "nothing").length == 0);
    assert_true(segment_line_member(&line, "nothing", "entry_hash").length == 0);
}

static void what_is_no_line_is_refused(void **state)
{
    struct log *log = *state;
    char *endless = malloc(RECORD_LINE_MAX + 1);

    memset(endless, 'a', RECORD_LINE_MAX + 1);
    refused(log, (struct str_view){endless, RECORD_LINE_MAX + 1}, "too long");
    free(endless);
    refused(log, str_view_from(""), "not a record");
    refused(log, str_view_from("{}"), "not a record");
    for (size_t length = 0; length < log->length; length += 7) {
        refused(log, (struct str_view){log->text, length}, "");
    }
}

static void every_changed_byte_is_seen(void **state)
{
    struct log *log = *state;

    for (size_t at = 0; at < log->length; at++) {
        log->text[at] = (char)(log->text[at] ^ 1);
        refused(log, (struct str_view){log->text, log->length}, "");
        log->text[at] = (char)(log->text[at] ^ 1);
    }
}

static void a_chain_takes_only_the_next_line(void **state)
{
    struct segment_chain chain = {0};
    struct segment_line line = {.hash = {1}};
    const char *why = NULL;

    (void)state;
    assert_int_equal(segment_chain_add(&chain, &line, &why), 0);
    line.seq = 2;
    assert_int_equal(segment_chain_add(&chain, &line, &why), -EBADMSG);
    assert_non_null(strstr(why, "missing, doubled or moved"));
    line.seq = 1;
    assert_int_equal(segment_chain_add(&chain, &line, &why), -EBADMSG);
    assert_non_null(strstr(why, "previous_hash"));
    line.previous[0] = 1;
    assert_int_equal(segment_chain_add(&chain, &line, &why), 0);
    assert_int_equal(chain.next_seq, 2);
}

static void a_torn_line_is_left(void **state)
{
    struct str_view rest = str_view_from("one\ntwo\nthr"), line;

    (void)state;
    assert_true(segment_take_line(&rest, &line) && str_view_equals_text(line, "one"));
    assert_true(segment_take_line(&rest, &line) && str_view_equals_text(line, "two"));
    assert_false(segment_take_line(&rest, &line));
    assert_true(str_view_equals_text(rest, "thr"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_read),
        TEST(what_is_no_line_is_refused),
        TEST(every_changed_byte_is_seen),
        TEST(a_chain_takes_only_the_next_line),
        TEST(a_torn_line_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
