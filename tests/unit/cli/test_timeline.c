#include "tests/support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/log/event_words.h"
#include "cli/log/record_filter.h"
#include "cli/show/timeline.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "tests/unit/cli/sample_record.h"

/* What the timeline prints, which goes to standard output. */
static void shown(struct samples *samples, const struct sample *rows, size_t count,
                  struct text_buffer *ret_text)
{
    AUTO(timeline_clear) struct timeline timeline = {.last_day = -1};
    const struct paint_box box = {0};
    char path[] = "/tmp/failcore-timeline.XXXXXX";
    int file = mkostemp(path, O_CLOEXEC);
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);

    setenv("TZ", "UTC", 1);
    timeline.box = &box;
    fflush(stdout);
    assert_true(dup2(file, STDOUT_FILENO) >= 0);
    for (size_t i = 0; i < count; i++) {
        struct audit_record record = sample_record(samples, rows[i]);

        timeline_add(&timeline, &record);
    }
    timeline_flush(&timeline);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    assert_int_equal(read_to_end(file, 1 << 16, ret_text), 0);
    close(file);
    unlink(path);
}

static void has(const struct text_buffer *text, const char *wanted)
{
    if (strstr(text_buffer_text(text), wanted) == NULL) {
        fail_msg("not shown: %s; but: %s", wanted, text_buffer_text(text));
    }
}

static void equal_neighbours_are_one_row(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    const struct sample rows[] = {
        {.call = "\"op\":\"read\",\"path\":\"a\"", .status = "ALLOWED"},
        {.call = "\"op\":\"read\",\"path\":\"a\"", .status = "ALLOWED"},
        {.kind = "REPEAT",
         .call = "\"op\":\"read\",\"path\":\"a\",\"bytes_read\":\"0\",\"bytes_written\":"
                 "\"0\"," SAMPLE_FOLD,
         .status = "ALLOWED",
         .count = 5},
        {.call = "\"op\":\"read\",\"path\":\"b\"", .status = "ALLOWED"},
    };

    (void)state;
    shown(&samples, rows, 4, &text);
    has(&text, "a  ×7\n");
    has(&text, "b\n");
}

static void a_refusal_says_why_and_acts_on_nothing(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    const struct sample row = {
        .call = "\"op\":\"write\",\"path\":\"\\u001b[2J\xe2\x80\xae\\n0  ok\"",
        .status = "BLOCKED",
        .decision = "blocked",
        .rule = "secrets",
        .code = "PATH_DENIED",
        .reason = "keys stay",
        .error = "EACCES",
    };

    (void)state;
    shown(&samples, &row, 1, &text);
    has(&text, "BLOCKED");
    has(&text, "write");
    has(&text, "\\x1b[2J\\u{202e}\\n0  ok\n");
    has(&text, "PATH_DENIED by rule secrets: keys stay\n");
    assert_null(strchr(text_buffer_text(&text), '\x1b'));
}

static void words_of_outcomes_and_sizes(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    static const uint64_t sizes[] = {0, 1023, 1024, 1536, 1048525, 1048576, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        append_size(&text, sizes[i]);
        text_buffer_append_char(&text, ',');
    }
    assert_string_equal(text_buffer_text(&text),
                        "0 B,1023 B,1.0 KiB,1.5 KiB,1.0 MiB,1.0 MiB,16777216.0 TiB,");
    text_buffer_reset(&text);
    append_duration(&text, 200000);
    text_buffer_append_char(&text, ',');
    append_duration(&text, UINT64_C(3100000000));
    text_buffer_append_char(&text, ',');
    append_duration(&text, UINT64_C(250000000000));
    text_buffer_append_char(&text, ',');
    append_duration(&text, UINT64_C(7260000000000));
    assert_string_equal(text_buffer_text(&text), "0.2 ms,3.1 s,4 min 10 s,2 h 1 min");
    assert_string_equal(event_outcome_word(OUTCOME_BLOCKED), "BLOCKED");
    assert_string_equal(event_outcome_word(OUTCOME_FAILED), "FAIL");
}

static void an_endpoint_is_one_word(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(event_words_clear) struct event_words words = {0};
    static const struct {
        const char *call;
        const char *target;
    } rows[] = {
        {"\"op\":\"connect\",\"protocol\":\"tcp\",\"source_address\":\"\",\"source_port\":0,"
         "\"address\":\"2001:db8::1\",\"port\":443",
         "[2001:db8::1]:443"},
        {"\"op\":\"connect\",\"protocol\":\"udp\",\"source_address\":\"\",\"source_port\":0,"
         "\"address\":\"192.0.2.1\",\"port\":53",
         "192.0.2.1:53/udp"},
        {"\"op\":\"connect\",\"protocol\":\"tcp\",\"source_address\":\"\",\"source_port\":0,"
         "\"address\":\"192.0.2.1\",\"port\":80,\"host\":\"a.example\"",
         "a.example:80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct audit_record record = sample_record(
            &samples, (struct sample){.source = "net", .call = rows[i].call, .status = "ALLOWED"});

        event_words_set(&words, &record);
        assert_string_equal(text_buffer_text(&words.target), rows[i].target);
        assert_string_equal(text_buffer_text(&words.process), "python3[42]");
    }
}

static bool passes(struct samples *samples, const char *call, struct record_filter filter)
{
    struct audit_record record =
        sample_record(samples, (struct sample){.call = call, .status = "ALLOWED"});

    filter.since_ns = INT64_MIN;
    return record_filter_passes(&filter, &record);
}

static void a_path_is_it_and_what_is_below(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    static const char src[] = "\"op\":\"read\",\"path\":\"src/a/b.c\"";
    static const char renamed[] = "\"op\":\"rename\",\"path\":\"x\",\"path2\":\"src/y\"";

    (void)state;
    assert_true(passes(&samples, src, (struct record_filter){.path = "src"}));
    assert_true(passes(&samples, src, (struct record_filter){.path = "src/"}));
    assert_true(passes(&samples, src, (struct record_filter){.path = "src/a/b.c"}));
    assert_true(passes(&samples, src, (struct record_filter){.path = "*.c"}));
    assert_false(passes(&samples, src, (struct record_filter){.path = "sr"}));
    assert_false(passes(&samples, src, (struct record_filter){.path = "a"}));
    assert_true(passes(&samples, renamed, (struct record_filter){.path = "src"}));
    assert_false(passes(&samples, src, (struct record_filter){.blocked_only = true}));
    assert_false(passes(&samples, src, (struct record_filter){.host = "src"}));
}

static void times_are_read_or_refused(void **state)
{
    const int64_t now = INT64_C(1795170600000000000);
    const int64_t second = 1000000000;
    int64_t since = 0;

    (void)state;
    setenv("TZ", "UTC", 1);
    assert_int_equal(since_parse("10m", now, &since), 0);
    assert_true(since == now - 600 * second);
    assert_int_equal(since_parse("2h", now, &since), 0);
    assert_true(since == now - 7200 * second);
    assert_int_equal(since_parse("1970-01-02T00:00Z", now, &since), 0);
    assert_true(since == 86400 * second);
    assert_int_equal(since_parse("1970-01-02 00:00:01", now, &since), 0);
    assert_true(since == 86401 * second);
    assert_true(since_parse("", now, &since) < 0);
    assert_true(since_parse("ten", now, &since) < 0);
    assert_true(since_parse("10x", now, &since) < 0);
    assert_true(since_parse("99999999999999999999d", now, &since) < 0);
    assert_true(since_parse("2026-13-01", now, &since) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_neighbours_are_one_row),
        cmocka_unit_test(a_refusal_says_why_and_acts_on_nothing),
        cmocka_unit_test(words_of_outcomes_and_sizes),
        cmocka_unit_test(an_endpoint_is_one_word),
        cmocka_unit_test(a_path_is_it_and_what_is_below),
        cmocka_unit_test(times_are_read_or_refused),
    };

    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
