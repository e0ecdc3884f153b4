#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "shared/audit/run_index.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* An audit directory of its own for each test. */
struct place {
    char directory[64];
    char log[80];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    snprintf(place->directory, sizeof(place->directory), "/tmp/failcore-index.XXXXXX");
    if (mkdtemp(place->directory) == NULL) {
        return -1;
    }
    snprintf(place->log, sizeof(place->log), "%s/log", place->directory);
    *state = place;
    return mkdir(place->log, 0700);
}

static int drop_place(void **state)
{
    struct place *place = *state;
    AUTO_CLOSEDIR DIR *log = opendir(place->log);
    struct dirent *entry;

    while (log != NULL && (entry = readdir(log)) != NULL) {
        unlinkat(dirfd(log), entry->d_name, 0);
    }
    rmdir(place->log);
    rmdir(place->directory);
    free(place);
    return 0;
}

static void append_record(struct text_buffer *text, uint64_t seq, const char *run, const char *kind,
                          const char *status, const char *decision, unsigned int count)
{
    text_buffer_printf(text,
                       "{\"v\":1,\"seq\":%" PRIu64 ",\"id\":\"x\",\"timestamp\":"
                       "\"2026-11-20T10:30:%02u.000000000Z\",\"mono\":\"1\",\"run\":\"%s\","
                       "\"source\":\"run\",\"producer\":0,\"pseq\":%" PRIu64,
                       seq, (unsigned int)(seq % 60), run, seq);
    if (count > 1) {
        text_buffer_printf(text, ",\"count\":%u", count);
    }
    text_buffer_printf(text,
                       ",\"kind\":\"%s\",\"call\":{\"tool\":\"\",\"op\":\"x\",\"args_hash\":\"\","
                       "\"result_hash\":\"\"},\"policy\":{\"name\":\"p\",\"version\":\"1\","
                       "\"decision\":\"%s\",\"hash\":\"\",\"rule\":\"\"}",
                       kind, decision);
    if (status != NULL) {
        text_buffer_printf(text, ",\"status\":\"%s\",\"phase\":\"policy\"", status);
    }
    text_buffer_append_text(text, ",\"redaction\":{\"input_redactions\":0,\"output_redactions\":0},"
                                  "\"timing\":{\"enforcement_overhead_ms\":0.000,"
                                  "\"call_duration_ms\":0.000},\"merkle\":{\"tree_size\":0,"
                                  "\"tree_root\":\"\",\"previous_hash\":\"" ZEROS
                                  "\",\"entry_hash\":\"" ZEROS "\"}}\n");
}

static void write_file(const struct place *place, const char *name, const void *bytes,
                       size_t length, int flags)
{
    AUTO_CLOSE int directory = open(place->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write_all(fd, bytes, length), 0);
}

static void write_text(const struct place *place, const char *name, const struct text_buffer *text)
{
    write_file(place, name, text_buffer_text(text), text->length, O_TRUNC);
}

static void runs_are_found_and_counted(void **state)
{
    const struct place *place = *state;
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(run_index_clear) struct run_index index = {0};
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    struct failure failure = {0};
    const struct run_entry *run;

    append_record(&text, 0, "", "START", NULL, "", 1);
    append_record(&text, 1, "20261120-103000-aaaa", "START", NULL, "", 1);
    append_record(&text, 2, "20261120-103000-bbbb", "START", NULL, "", 1);
    append_record(&text, 3, "20261120-103000-aaaa", "DECISION", "BLOCKED", "blocked", 1);
    append_record(&text, 4, "20261120-103000-aaaa", "REPEAT", "BLOCKED", "blocked", 300);
    append_record(&text, 5, "20261120-103000-aaaa", "DECISION", "ALLOWED", "logged", 1);
    append_record(&text, 6, "20261120-103000-aaaa", "RESULT", "FAIL", "logged", 1);
    append_record(&text, 7, "20261120-103000-aaaa", "RESULT", "TIMEOUT", "allowed", 1);
    append_record(&text, 8, "20261120-103000-aaaa", "LOSS", NULL, "", 5);
    append_record(&text, 9, "20261120-103000-aaaa", "END", "OK", "", 1);
    text_buffer_append_text(&text, "not a record\n{\"torn");
    write_text(place, "00000000000000000000.jsonl", &text);

    assert_int_equal(log_lines_open(place->directory, &lines, &failure), 0);
    assert_int_equal(run_index_read(&index, lines, &failure), 0);
    assert_int_equal(index.count, 2);
    assert_int_equal(index.next_seq, 10);
    assert_int_equal(index.unreadable, 1);

    run = run_index_find(&index, NULL);
    assert_string_equal(run->id, "20261120-103000-bbbb");
    assert_ptr_equal(run_index_find(&index, "last"), run);
    run = run_index_find(&index, "aaaa");
    assert_non_null(run);
    assert_ptr_equal(run_index_find(&index, "20261120-103000-a"), run);
    assert_ptr_equal(run_index_find(&index, "20261120-103000-aaaa"), run);
    assert_null(run_index_find(&index, "20261120"));
    assert_null(run_index_find(&index, "cccc"));
    assert_int_equal(run->first_seq, 1);
    assert_int_equal(run->last_seq, 9);
    assert_int_equal(run->start_seq, 1);
    assert_int_equal(run->end_seq, 9);
    assert_int_equal(run->last_ns - run->first_ns, INT64_C(8000000000));
    assert_int_equal(run->counts.records, 8);
    assert_int_equal(run->counts.decisions, 302);
    assert_int_equal(run->counts.blocked, 301);
    assert_int_equal(run->counts.logged, 1);
    assert_int_equal(run->counts.failed, 1);
    assert_int_equal(run->counts.limited, 1);
    assert_int_equal(run->counts.lost, 5);
}

static void many_runs_keep_their_places(void **state)
{
    AUTO(run_index_clear) struct run_index index = {0};

    (void)state;
    for (uint64_t seq = 0; seq < 5000; seq++) {
        AUTO(text_buffer_clear) struct text_buffer text = {0};
        struct audit_record record;
        char run[32];

        snprintf(run, sizeof(run), "run-%u", (unsigned int)(seq % 1000));
        append_record(&text, seq, run, "DECISION", "BLOCKED", "blocked", 1);
        text.length--;
        assert_int_equal(audit_record_read(text_buffer_view(&text), &record, NULL), 0);
        assert_int_equal(run_index_add(&index, &record), 0);
    }
    assert_int_equal(index.count, 1000);
    for (size_t i = 0; i < index.count; i++) {
        assert_int_equal(index.runs[i].first_seq, i);
        assert_int_equal(index.runs[i].last_seq, i + 4000);
        assert_int_equal(index.runs[i].counts.blocked, 5);
        assert_ptr_equal(run_index_find(&index, index.runs[i].id), &index.runs[i]);
    }
}

static void assert_next(struct log_lines *lines, const char *wanted)
{
    struct failure failure = {0};
    struct str_view line;
    int got = log_lines_next(lines, &line, &failure);

    assert_int_equal(got, wanted == NULL ? 0 : 1);
    if (wanted != NULL) {
        assert_true(str_view_equals_text(line, wanted));
    }
}

/* Two closed segments, one of them compressed, and one that grows while it is read. */
static void lines_go_through_all_segments_and_on(void **state)
{
    const struct place *place = *state;
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    struct failure failure = {0};
    struct str_view line;
    char packed[256];
    size_t packed_length = ZSTD_compress(packed, sizeof(packed), "zero\none\n", 9, 3);

    write_file(place, "00000000000000000000.jsonl.zst", packed, packed_length, 0);
    write_file(place, "00000000000000000002.jsonl", "two\n\n", 5, 0);
    write_file(place, "00000000000000000004.jsonl", "four\nfi", 7, 0);
    write_file(place, "notes.jsonl", "no segment\n", 11, 0);
    assert_int_equal(log_lines_open(place->directory, &lines, &failure), 0);
    assert_next(lines, "zero");
    assert_next(lines, "one");
    assert_next(lines, "two");
    assert_next(lines, "");
    assert_next(lines, "four");
    assert_next(lines, NULL);
    write_file(place, "00000000000000000004.jsonl", "ve\nsix\n", 7, O_APPEND);
    assert_next(lines, "five");
    assert_next(lines, "six");
    assert_next(lines, NULL);
    write_file(place, "00000000000000000007.jsonl", "seven\n", 6, 0);
    assert_next(lines, "seven");
    assert_next(lines, NULL);
    assert_int_equal(log_lines_seek(lines, 3, &failure), 0);
    assert_next(lines, "two");
    assert_int_equal(log_lines_seek(lines, 1, &failure), 0);
    assert_next(lines, "zero");

    /* Cut inside a line, with a segment behind it. */
    write_file(place, "00000000000000000004.jsonl", "fo", 2, O_TRUNC);
    assert_int_equal(log_lines_seek(lines, 4, &failure), 0);
    assert_int_equal(log_lines_next(lines, &line, &failure), -EBADMSG);
    assert_non_null(strstr(failure.needed, "00000000000000000004.jsonl"));
    /* A damaged compressed segment. */
    write_file(place, "00000000000000000000.jsonl.zst", packed, packed_length - 3, O_TRUNC);
    failure = (struct failure){0};
    assert_int_equal(log_lines_seek(lines, 0, &failure), 0);
    while (log_lines_next(lines, &line, &failure) > 0) {
    }
    assert_non_null(strstr(failure.what, "damaged"));
}

static void a_line_without_an_end_is_refused(void **state)
{
    const struct place *place = *state;
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    AUTO_FREE char *long_line = malloc(3U << 20);
    struct failure failure = {0};
    struct str_view line;

    assert_non_null(long_line);
    memset(long_line, 'a', 3U << 20);
    write_file(place, "00000000000000000000.jsonl", long_line, 3U << 20, 0);
    assert_int_equal(log_lines_open(place->directory, &lines, &failure), 0);
    assert_int_equal(log_lines_next(lines, &line, &failure), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_are_found_and_counted, make_place, drop_place),
        cmocka_unit_test(many_runs_keep_their_places),
        cmocka_unit_test_setup_teardown(lines_go_through_all_segments_and_on, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(a_line_without_an_end_is_refused, make_place, drop_place),
    };

    return cmocka_run_group_tests_name("run_index", tests, NULL, NULL);
}
