#include "tests/support/unit.h"

#include "tests/unit/cli/sample_record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char *or_else(const char *text, const char *other)
{
    return text == NULL ? other : text;
}

static void append_member(struct text_buffer *text, const char *name, const char *value)
{
    if (value != NULL) {
        text_buffer_printf(text, ",\"%s\":\"%s\"", name, value);
    }
}

static void append_actor(struct text_buffer *text, const struct sample *sample)
{
    const char *exe = or_else(sample->exe, "/usr/bin/python3");
    const char *slash = strrchr(exe, '/');
    uint64_t pid = sample->pid == 0 ? 42 : sample->pid;

    text_buffer_printf(text,
                       ",\"actor\":{\"pid\":%" PRIu64 ",\"tid\":%" PRIu64
                       ",\"ppid\":1,\"start\":\"7\",\"uid\":1000,\"gid\":1000,\"comm\":\"%.15s\","
                       "\"exe\":\"%s\"}",
                       pid,
                       sample->no_tid     ? 0
                       : sample->tid != 0 ? sample->tid
                                          : pid,
                       slash == NULL ? exe : slash + 1, exe);
}

struct audit_record sample_record(struct samples *samples, struct sample sample)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct audit_record record = {0};
    uint64_t seq = sample.seq == 0 ? samples->next_seq : sample.seq;
    size_t wrong = 0;

    assert_true(samples->count < SAMPLES_MOST);
    samples->next_seq = seq + 1;
    text_buffer_printf(&text,
                       "{\"v\":1,\"seq\":%" PRIu64 ",\"id\":\"x\",\"timestamp\":"
                       "\"2026-11-20T10:30:%02u.000000000Z\",\"mono\":\"%" PRIu64
                       "\",\"run\":\"" SAMPLE_RUN "\",\"source\":\"%s\",\"producer\":0,"
                       "\"pseq\":%" PRIu64,
                       seq, sample.second, sample.mono == 0 ? seq : sample.mono,
                       or_else(sample.source, "fs"), seq);
    if (sample.count > 0) {
        text_buffer_printf(&text, ",\"count\":%" PRIu64, sample.count);
    }
    append_member(&text, "kind", or_else(sample.kind, "DECISION"));
    if (sample.kind != NULL &&
        (strcmp(sample.kind, "RESULT") == 0 || strcmp(sample.kind, "REPEAT") == 0)) {
        text_buffer_printf(&text, ",\"of\":%" PRIu64, sample.of);
    }
    if (!sample.no_actor) {
        append_actor(&text, &sample);
    }
    text_buffer_printf(&text,
                       ",\"call\":{\"tool\":\"t\",%s,\"args_hash\":\"\",\"result_hash\":\"\"},"
                       "\"policy\":{\"name\":\"p\",\"version\":\"1\",\"decision\":\"%s\","
                       "\"hash\":\"0123456789abcdef\",\"rule\":\"%s\"}",
                       or_else(sample.call, "\"op\":\"read\",\"path\":\"a\""),
                       or_else(sample.decision, sample.status == NULL ? "" : "allowed"),
                       or_else(sample.rule, ""));
    append_member(&text, "status", sample.status);
    append_member(&text, "code", sample.code);
    append_member(&text, "reason", sample.reason);
    append_member(&text, "errno", sample.error);
    append_member(&text, "phase", sample.status == NULL ? NULL : "policy");
    text_buffer_append_text(
        &text, ",\"redaction\":{\"input_redactions\":0,"
               "\"output_redactions\":0},\"timing\":{\"enforcement_overhead_ms\":0.000,"
               "\"call_duration_ms\":0.000},\"merkle\":{\"tree_size\":0,\"tree_root\":\"\","
               "\"previous_hash\":\"" ZEROS "\",\"entry_hash\":\"" ZEROS "\"}}");
    samples->lines[samples->count] = text_buffer_take(&text);
    if (audit_record_read(str_view_from(samples->lines[samples->count]), &record, &wrong) < 0) {
        fail_msg("no record from byte %zu: %s", wrong, samples->lines[samples->count] + wrong);
    }
    samples->count++;
    return record;
}

void samples_write(const struct samples *samples, const char *path)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (size_t i = 0; i < samples->count; i++) {
        assert_int_equal(write_all(fd, samples->lines[i], strlen(samples->lines[i])), 0);
        assert_int_equal(write_all(fd, "\n", 1), 0);
    }
}

void samples_clear(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        free(samples->lines[i]);
    }
    *samples = (struct samples){0};
}
