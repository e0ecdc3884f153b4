#include "tests/support/unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/audit/record_reader.h"
#include "shared/base/cleanup.h"
#include "tests/unit/audit/record_sample.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES  "1111111111111111111111111111111111111111111111111111111111111111"

/* One record in the words of the contract. */
static const char *const parts[] = {
    "{\"v\":1,\"seq\":41,\"id\":\"8d0f0000-0000-4000-8000-000000000000\"",
    ",\"timestamp\":\"2026-11-20T10:30:00.123456789Z\"",
    ",\"mono\":\"81234567890\"",
    ",\"run\":\"20261120-103000-k3x9\"",
    ",\"source\":\"fs\"",
    ",\"producer\":2,\"pseq\":17",
    ",\"kind\":\"DECISION\"",
    ",\"actor\":{\"pid\":4242,\"tid\":4243,\"ppid\":4200,\"start\":\"991823\",\"uid\":1000,"
    "\"gid\":1000,\"comm\":\"python3\",\"exe\":\"/usr/bin/python3\"}",
    ",\"call\":{\"tool\":\"python3\",\"op\":\"write\",\"path\":\"src/\xef\xbf\xbd.env\","
    "\"path_hex\":\"7372632fff2e656e76\",\"flags\":577",
    ",\"args_hash\":\"sha256:" ONES "\",\"result_hash\":\"\"}",
    ",\"policy\":{\"name\":\"coding-agent\",\"version\":\"1.0\",\"decision\":\"blocked\","
    "\"hash\":\"0123456789abcdef\",\"rule\":\"secrets\"}",
    ",\"status\":\"BLOCKED\",\"code\":\"PATH_DENIED\",\"reason\":\"keys\\nstay\",\"errno\":"
    "\"EACCES\",\"phase\":\"policy\"",
    ",\"redaction\":{\"input_redactions\":0,\"output_redactions\":0}",
    ",\"timing\":{\"enforcement_overhead_ms\":0.002,\"call_duration_ms\":1.500}",
    ",\"merkle\":{\"tree_size\":0,\"tree_root\":\"\",\"previous_hash\":\"" ZEROS
    "\",\"entry_hash\":\"" ONES "\"}}",
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static void join(struct text_buffer *text, size_t left_out, size_t doubled)
{
    text_buffer_reset(text);
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (i != left_out) {
            text_buffer_append_text(text, parts[i]);
        }
        if (i == doubled) {
            text_buffer_append_text(text, parts[i]);
        }
    }
}

static void assert_text(struct json_text value, const char *wanted)
{
    assert_true(json_text_equals(value, str_view_from(wanted)));
}

static void a_record_is_read(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer line = {0};
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct audit_record record;
    size_t offset = 0;
    int64_t time;

    (void)state;
    join(&line, PART_COUNT, PART_COUNT);
    assert_int_equal(audit_record_read(text_buffer_view(&line), &record, &offset), 0);
    assert_int_equal(record.seq, 41);
    assert_int_equal(record.mono_ns, 81234567890);
    assert_int_equal(record.producer, 2);
    assert_int_equal(record.pseq, 17);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.source, AUDIT_SOURCE_FS);
    assert_int_equal(record.kind, AUDIT_KIND_DECISION);
    assert_true(record.has_actor);
    assert_int_equal(record.actor.ppid, 4200);
    assert_text(record.actor.exe, "/usr/bin/python3");
    assert_text(record.call.op, "write");
    assert_int_equal(record.call.flags, 577);
    record_bytes_append(&path, &record.call.path);
    assert_string_equal(text_buffer_text(&path), "src/\xff.env");
    assert_true(record_bytes_equals(&record.call.path, STR_VIEW_LITERAL("src/\xff.env")));
    assert_false(record_bytes_equals(&record.call.path, STR_VIEW_LITERAL("src/\xfe.env")));
    assert_true(record.policy.has_decision);
    assert_int_equal(record.policy.decision, AUDIT_DECISION_BLOCKED);
    assert_text(record.policy.rule, "secrets");
    assert_true(record.has_status);
    assert_int_equal(record.status, AUDIT_STATUS_BLOCKED);
    assert_text(record.reason, "keys\nstay");
    assert_true(str_view_equals_text(record.error, "EACCES"));
    assert_int_equal(record.phase, AUDIT_PHASE_POLICY);
    assert_int_equal(record.overhead_ns, 2000);
    assert_int_equal(record.duration_ns, 1500000);
    assert_int_equal(record_time_parse(record.timestamp, &time), 0);
    assert_int_equal(time, INT64_C(1795170600123456789)); /* date -d ... +%s */
}

static void every_part_is_needed_once(void **state)
{
    static const size_t optional[] = {3, 7,
                                      11}; /* run; actor; status to phase, for kinds without */
    AUTO(text_buffer_clear) struct text_buffer line = {0};
    struct audit_record record;

    (void)state;
    for (size_t i = 0; i < PART_COUNT; i++) {
        bool may_go = i == optional[0] || i == optional[1] || i == optional[2];

        join(&line, i, PART_COUNT);
        assert_int_equal(audit_record_read(text_buffer_view(&line), &record, NULL),
                         may_go ? 0 : -EBADMSG);
        join(&line, PART_COUNT, i);
        assert_int_equal(audit_record_read(text_buffer_view(&line), &record, NULL), -EBADMSG);
    }
}

static void what_the_writer_would_not_write_is_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } rows[] = {
        {"\"v\":1", "\"v\":2"},
        {"\"seq\":41", "\"seq\": 41"},
        {"\"seq\":41", "\"seq\":041"},
        {"\"seq\":41", "\"seq\":-1"},
        {"\"seq\":41", "\"seq\":18446744073709551616"},
        {"\"seq\":41", "\"seq\":4.1e1"},
        {"\"fs\"", "\"files\""},
        {"\"DECISION\"", "\"decision\""},
        {"\"tid\":4243,\"ppid\":4200", "\"ppid\":4200,\"tid\":4243"}, /* order */
        {"\"uid\":1000", "\"uid\":1000,\"uid\":0"},                   /* twice */
        {"\"uid\":1000", "\"uid\":1000,\"euid\":0"},                  /* unknown */
        {"\"flags\":577", "\"flags\":577,\"protocol\":\"tcp\""},      /* another source's */
        {"\"op\":\"write\"", "\"op\":\"wr\\u0069te\""},               /* another spelling */
        {"keys\\nstay", "keys\\u000astay"},
        {"keys\\nstay", "keys\\/stay"},
        {"keys\\nstay", "keys\nstay"},
        {"keys\\nstay", "keys\\u001Fstay"},
        {"keys\\nstay", "keys\\u0020stay"},
        {"keys\\nstay", "keys\x7fstay"},
        {"keys\\nstay", "keys\\"},
        {"keys\\nstay", "keys\xed\xa0\x80stay"},
        {"keys\\nstay", "keys\xc0\xafstay"},
        {"10:30:00.123456789Z", "10:30:00.123456Z"},
        {"2026-11-20T", "2026-13-20T"},
        {"7372632fff2e656e76", "7372632FFF2E656E76"},
        {"7372632fff2e656e76", "7372632fff2e656e7"},
        {"\"path\":\"src/\xef\xbf\xbd.env\",", ""}, /* hex of nothing */
        {"\"blocked\"", "\"permitted\""},
        {"\"BLOCKED\"", "\"DENIED\""},
        {"0.002", ".002"},
        {"0.002", "0."},
        {"0.002", "0.0000021"},
        {"1.500}", "1.500,\"x\":1}"},
        {"sha256:1", "sha512:1"},
        {"\"tree_root\":\"\"", "\"tree_root\":\"00\""},
        {"1\"}}", "1\"}} "},
        {"1\"}}", "1\"}}}"},
        {"{\"v\"", "\xef\xbb\xbf{\"v\""},
    };
    AUTO(text_buffer_clear) struct text_buffer whole = {0};

    (void)state;
    join(&whole, PART_COUNT, PART_COUNT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(text_buffer_clear) struct text_buffer line = {0};
        const char *at = strstr(text_buffer_text(&whole), rows[i].from);
        struct audit_record record;

        assert_non_null(at);
        text_buffer_append(&line, (struct str_view){whole.bytes, (size_t)(at - whole.bytes)});
        text_buffer_append_text(&line, rows[i].to);
        text_buffer_append_text(&line, at + strlen(rows[i].from));
        if (audit_record_read(text_buffer_view(&line), &record, NULL) != -EBADMSG) {
            fail_msg("accepted: %s", rows[i].to);
        }
    }
    for (size_t length = 0; length < whole.length; length++) {
        /* Its own allocation, so that a read past the end is seen by AddressSanitizer. */
        AUTO_FREE char *cut = malloc(length + 1);
        struct audit_record record;

        assert_non_null(cut);
        memcpy(cut, whole.bytes, length);
        assert_int_equal(audit_record_read((struct str_view){cut, length}, &record, NULL),
                         -EBADMSG);
    }
}

/* What is read behind another line is what is read alone: verdict, numbers, and texts letter for
 * letter, wherever the two lines begin to differ. */
static void behind_another_line_as_alone(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer whole = {0};
    struct audit_record before;

    (void)state;
    join(&whole, PART_COUNT, PART_COUNT);
    assert_int_equal(audit_record_read(text_buffer_view(&whole), &before, NULL), 0);
    for (size_t at = 0; at < whole.length * 4; at++) {
        static const char bytes[] = {'1', '"', '}', ','};
        AUTO_FREE char *line = malloc(whole.length);
        const struct str_view text = {line, whole.length};
        struct audit_record alone;
        struct audit_record behind;

        assert_non_null(line);
        memcpy(line, whole.bytes, whole.length);
        line[at / 4] = bytes[at % 4];
        assert_int_equal(audit_record_read(text, &alone, NULL),
                         audit_record_read_next(text, &before, &behind));
        assert_int_equal(alone.seq, behind.seq);
        assert_int_equal(alone.has_actor, behind.has_actor);
        assert_int_equal(alone.actor.pid, behind.actor.pid);
        assert_int_equal(alone.actor.exe.escaped.length, behind.actor.exe.escaped.length);
        assert_int_equal(alone.status, behind.status);
        assert_int_equal(alone.policy.decision, behind.policy.decision);
        assert_int_equal(alone.reason.escaped.length, behind.reason.escaped.length);
        assert_int_equal(alone.tree_size, behind.tree_size);
        assert_int_equal(alone.tree_root.length, behind.tree_root.length);
        if (alone.line.length > 0) {
            assert_memory_equal(alone.actor.exe.escaped.bytes, behind.actor.exe.escaped.bytes,
                                alone.actor.exe.escaped.length);
            assert_memory_equal(alone.policy.rule.escaped.bytes, behind.policy.rule.escaped.bytes,
                                alone.policy.rule.escaped.length);
            assert_memory_equal(alone.entry_hash.bytes, behind.entry_hash.bytes, 64);
        }
    }
}

/* ---- against the writer and against jansson ---------------------------------------------------
 */

static void assert_same_text(json_t *object, const char *name, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    json_t *member = json_object_get(object, name);

    if (value.escaped.bytes == NULL) {
        assert_null(member);
        return;
    }
    json_text_append(&text, value);
    assert_int_equal(json_string_length(member), text.length);
    assert_memory_equal(json_string_value(member), text_buffer_text(&text), text.length);
    assert_true(json_text_equals(
        value, (struct str_view){json_string_value(member), json_string_length(member)}));
}

static void assert_jansson_agrees(const struct audit_record *record)
{
    json_error_t error;
    json_t *root = json_loadb(record->line.bytes, record->line.length,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    json_t *call = json_object_get(root, "call");
    json_t *policy = json_object_get(root, "policy");
    json_t *actor = json_object_get(root, "actor");

    /* jansson keeps signed numbers: a count past them is the one thing that it may refuse. */
    if (root == NULL) {
        assert_non_null(strstr(error.text, "too big integer"));
        return;
    }
    assert_int_equal(json_integer_value(json_object_get(root, "seq")), record->seq);
    assert_string_equal(json_string_value(json_object_get(root, "kind")),
                        audit_kind_word(record->kind));
    assert_string_equal(json_string_value(json_object_get(root, "source")),
                        audit_source_word(record->source));
    assert_same_text(root, "run", record->run);
    assert_same_text(root, "reason", record->reason);
    assert_same_text(root, "code", record->code);
    assert_same_text(call, "tool", record->call.tool);
    assert_same_text(call, "op", record->call.op);
    assert_same_text(call, "path", record->call.path.text);
    assert_same_text(call, "path2", record->call.path2.text);
    assert_same_text(call, "host", record->call.host.text);
    assert_same_text(call, "sni", record->call.sni.text);
    assert_same_text(policy, "name", record->policy.name);
    assert_same_text(policy, "rule", record->policy.rule);
    assert_int_equal(actor != NULL, record->has_actor);
    if (record->has_actor) {
        assert_same_text(actor, "comm", record->actor.comm);
        assert_int_equal(json_integer_value(json_object_get(actor, "uid")), record->actor.uid);
    }
    assert_int_equal(json_object_get(root, "status") != NULL, record->has_status);
    json_decref(root);
}

static void whatever_the_writer_writes_is_read_back(void **state)
{
    uint64_t seed = 20261120;
    AUTO_FREE char *line = malloc(RECORD_LINE_MAX);
    AUTO_FREE struct record_sample *sample = malloc(sizeof(*sample));

    (void)state;
    assert_non_null(line);
    assert_non_null(sample);
    for (int i = 0; i < 5000; i++) {
        const struct event_record *event = &sample->event;
        struct audit_record record;
        size_t length;
        size_t offset = 0;

        record_sample_random(sample, &seed);
        length = record_sample_line(sample, line);
        assert_int_not_equal(length, 0);
        if (audit_record_read((struct str_view){line, length}, &record, &offset) < 0) {
            fail_msg("at %zu of %.*s", offset, (int)length, line);
        }
        assert_int_equal(record.seq, sample->context.seq);
        assert_int_equal(record.pseq, event->head.pseq);
        assert_int_equal(record.count, event->head.count);
        assert_int_equal(record.kind, event->head.kind);
        assert_int_equal(record.source, event->head.source);
        assert_int_equal(record.mono_ns, event->head.mono_ns);
        assert_int_equal(record.duration_ns, event->head.duration_ns / 1000 * 1000);
        if (event->head.source == AUDIT_SOURCE_FS && event->text[EVENT_TEXT_PATH].length > 0) {
            assert_true(record_bytes_equals(&record.call.path, event->text[EVENT_TEXT_PATH]));
        }
        if (event->head.source == AUDIT_SOURCE_DNS && event->text[EVENT_TEXT_HOST].length > 0) {
            assert_true(record_bytes_equals(&record.call.host, event->text[EVENT_TEXT_HOST]));
        }
        assert_jansson_agrees(&record);
    }
}

/* A changed byte is refused, or jansson reads the same record from the changed line. */
static void a_changed_byte_is_never_understood_differently(void **state)
{
    uint64_t seed = 7;
    AUTO_FREE char *line = malloc(RECORD_LINE_MAX);
    AUTO_FREE struct record_sample *sample = malloc(sizeof(*sample));
    static const char bytes[] = "\"\\,:{}[] 0a\x01\x7f\x80\xff";
    size_t refused = 0;

    (void)state;
    assert_non_null(line);
    assert_non_null(sample);
    for (int i = 0; i < 40; i++) {
        size_t length;

        record_sample_random(sample, &seed);
        length = record_sample_line(sample, line);
        for (size_t at = 0; at < length; at++) {
            char was = line[at];
            struct audit_record record;

            line[at] = bytes[(at + (size_t)i) % (sizeof(bytes) - 1)];
            if (audit_record_read((struct str_view){line, length}, &record, NULL) < 0) {
                refused++;
            } else {
                assert_jansson_agrees(&record);
            }
            line[at] = was;
        }
    }
    assert_true(refused > 10000);
}

static void bytes_are_those_of_the_digits_where_there_are_some(void **state)
{
    const struct record_bytes plain = {
        .text = {.escaped = STR_VIEW_LITERAL("a\\nb"), .has_escapes = true}};
    const struct record_bytes hex = {.text = {.escaped = STR_VIEW_LITERAL("x")},
                                     .hex = STR_VIEW_LITERAL("7aff00")};
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    (void)state;
    record_bytes_append(&text, &plain);
    record_bytes_append(&text, &hex);
    assert_int_equal(text.length, 6);
    assert_memory_equal(text.bytes, "a\nbz\xff\0", 6);
    assert_true(record_bytes_equals(&plain, str_view_from("a\nb")));
    assert_false(record_bytes_equals(&plain, str_view_from("a\\nb")));
    assert_true(record_bytes_equals(&hex, (struct str_view){"z\xff\0", 3}));
    assert_false(record_bytes_equals(&hex, (struct str_view){"z\xff\1", 3}));
    assert_false(record_bytes_equals(&hex, str_view_from("z")));
    assert_false(record_bytes_equals(&hex, str_view_from("x")));
}

static void members_that_are_none_are_not_found(void **state)
{
    static const char *const members[] = {
        "", "a", "\"a\"", "\"a\":", "\"a\":x", "\"b\":1;\"a\":2", "1:\"a\""};
    struct audit_record record = {0};
    struct str_view raw;

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        record.call.members = str_view_from(members[i]);
        assert_false(record_member(&record, "a", &raw));
    }
}

static void own_members_are_found(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer line = {0};
    struct audit_record record;
    struct json_text text;
    uint64_t count;
    struct str_view raw;

    (void)state;
    for (size_t i = 0; i < PART_COUNT; i++) {
        text_buffer_append_text(&line, i == 4 ? ",\"source\":\"run\""
                                       : i == 8
                                           ? ",\"call\":{\"tool\":\"\",\"op\":\"start\","
                                             "\"host\":\"a\\\"b\",\"uid\":7,\"deep\":[{\"uid\":"
                                             "8}],\"uid2\":9"
                                           : parts[i]);
    }
    assert_int_equal(audit_record_read(text_buffer_view(&line), &record, NULL), 0);
    assert_true(record_member_text(&record, "host", &text));
    assert_text(text, "a\"b");
    assert_true(record_member_count(&record, "uid", &count));
    assert_int_equal(count, 7);
    assert_true(record_member(&record, "deep", &raw));
    assert_true(str_view_equals_text(raw, "[{\"uid\":8}]"));
    assert_false(record_member(&record, "absent", &raw));
    assert_false(record_member_count(&record, "host", &count));
    assert_false(record_member_text(&record, "uid", &text));
}

static void times_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t ns; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00.000000000Z", 0},
        {"2000-02-29T12:00:00.000000001Z", INT64_C(951825600000000001)},
        {"2100-03-01T00:00:00.000000000Z", INT64_C(4107542400000000000)},
        {"2026-11-20T10:30:00.123456789", -1},
        {"2026-11-20 10:30:00.123456789Z", -1},
        {"2026-00-20T10:30:00.123456789Z", -1},
        {"2026-11-20T24:30:00.123456789Z", -1},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"9999-11-20T10:30:00.123456789Z", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = -1;

        assert_int_equal(record_time_parse(str_view_from(rows[i].text), &ns),
                         rows[i].ns < 0 ? -EINVAL : 0);
        assert_int_equal(ns, rows[i].ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read),
        cmocka_unit_test(behind_another_line_as_alone),
        cmocka_unit_test(every_part_is_needed_once),
        cmocka_unit_test(what_the_writer_would_not_write_is_refused),
        cmocka_unit_test(whatever_the_writer_writes_is_read_back),
        cmocka_unit_test(a_changed_byte_is_never_understood_differently),
        cmocka_unit_test(bytes_are_those_of_the_digits_where_there_are_some),
        cmocka_unit_test(members_that_are_none_are_not_found),
        cmocka_unit_test(own_members_are_found),
        cmocka_unit_test(times_are_exact),
    };

    return cmocka_run_group_tests_name("record_reader", tests, NULL, NULL);
}
