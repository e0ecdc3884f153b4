#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/export.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

void export_jsonl(struct text_buffer *text, const struct audit_record *record)
{
    text_buffer_append(text, record->line);
    text_buffer_append_char(text, '\n');
}

/* ---- values as text ---------------------------------------------------------------------------
 */

static void decode(struct text_buffer *text, struct json_text value)
{
    text_buffer_reset(text);
    if (value.escaped.bytes != NULL) {
        json_text_append(text, value);
    }
}

static const char *status_word(const struct audit_record *record)
{
    return record->has_status ? audit_status_word(record->status) : "";
}

static const char *decision_word(const struct audit_record *record)
{
    return record->policy.has_decision ? audit_decision_word(record->policy.decision) : "";
}

/* ---- text formats ---------------------------------------------------------------------------
 */

/* People open these, in a terminal or a spreadsheet: what the workload chose is as inert in them as
 * in every view of ours, and can be read back (inert_text.h). */
static void append_inert(struct text_buffer *text, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    decode(&decoded, value);
    inert_text_append(text, text_buffer_view(&decoded), INERT_TERMINAL);
}

/* All bytes, also those that the record's text could not hold. */
static void append_inert_bytes(struct text_buffer *text, const struct record_bytes *bytes)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    if (record_bytes_present(bytes)) {
        record_bytes_append(&decoded, bytes);
        inert_text_append(text, text_buffer_view(&decoded), INERT_TERMINAL);
    }
}

/* ---- CEF ------------------------------------------------------------------------------------ */

/* In the header a bar and a backslash are escaped, in the extension an equals sign. Of an inert
 * text no byte begins a new event. */
static void cef_escape(struct text_buffer *text, struct str_view value, bool in_header)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.bytes[i];

        if (c == '\\' || c == (in_header ? '|' : '=')) {
            text_buffer_append_char(text, '\\');
        }
        text_buffer_append_char(text, c);
    }
}

static void cef_pair(struct text_buffer *text, const char *name, struct str_view value)
{
    if (value.length > 0) {
        text_buffer_append_char(text, ' ');
        text_buffer_append_text(text, name);
        text_buffer_append_char(text, '=');
        cef_escape(text, value, false);
    }
}

static void cef_text(struct text_buffer *text, const char *name, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer inert = {0};

    append_inert(&inert, value);
    cef_pair(text, name, text_buffer_view(&inert));
}

static void cef_bytes(struct text_buffer *text, const char *name, const struct record_bytes *bytes)
{
    AUTO(text_buffer_clear) struct text_buffer inert = {0};

    append_inert_bytes(&inert, bytes);
    cef_pair(text, name, text_buffer_view(&inert));
}

void export_cef(struct text_buffer *text, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer value = {0};
    int64_t time_ns = 0;

    (void)record_time_parse(record->timestamp, &time_ns);
    text_buffer_append_text(text, "CEF:0|FailCore|failcore|" FAILCORE_VERSION "|");
    append_inert(&value, record->code);
    cef_escape(text,
               value.length > 0 ? text_buffer_view(&value)
                                : str_view_from(audit_kind_word(record->kind)),
               true);
    text_buffer_append_char(text, '|');
    text_buffer_reset(&value);
    append_inert(&value, record->call.op);
    cef_escape(text, text_buffer_view(&value), true);
    text_buffer_printf(text, "|%d|rt=%" PRId64 " cn1Label=seq cn1=%" PRIu64,
                       row_is_refusal(record)   ? 7
                       : row_is_failure(record) ? 4
                                                : 1,
                       time_ns / 1000000, record->seq);
    cef_pair(text, "externalId", record->id);
    cef_pair(text, "act", str_view_from(decision_word(record)));
    cef_pair(text, "outcome", str_view_from(status_word(record)));
    cef_text(text, "reason", record->reason);
    cef_bytes(text, "filePath", &record->call.path);
    cef_bytes(text, "dhost", &record->call.host);
    cef_pair(text, "dst", record->call.address);
    cef_pair(text, "src", record->call.source_address);
    if (record->call.port != 0) {
        text_buffer_printf(text, " dpt=%" PRIu64, record->call.port);
    }
    if (record->has_actor) {
        text_buffer_printf(text, " spid=%" PRIu64 " suid=%" PRIu64, record->actor.pid,
                           record->actor.uid);
        cef_text(text, "sproc", record->actor.exe);
    }
    text_buffer_append_text(text, " cs1Label=rule");
    cef_text(text, "cs1", record->policy.rule);
    text_buffer_append_text(text, " cs2Label=run");
    cef_text(text, "cs2", record->run);
    text_buffer_append_text(text, " cs3Label=entry_hash");
    cef_pair(text, "cs3", record->entry_hash);
    if (record_bytes_present(&record->call.path2)) {
        text_buffer_append_text(text, " cs4Label=target2");
        cef_bytes(text, "cs4", &record->call.path2);
    }
    text_buffer_append_char(text, '\n');
}

/* ---- CSV (RFC 4180) ------------------------------------------------------------------------- */

/* Inert already. A cell that a spreadsheet would take for a formula gets an apostrophe in front. */
static void csv_cell(struct text_buffer *text, struct str_view value, bool is_last)
{
    text_buffer_append_char(text, '"');
    if (value.length > 0 && strchr("=+-@", value.bytes[0]) != NULL) {
        text_buffer_append_char(text, '\'');
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] == '"') {
            text_buffer_append_char(text, '"');
        }
        text_buffer_append_char(text, value.bytes[i]);
    }
    text_buffer_append_text(text, is_last ? "\"\n" : "\",");
}

static void csv_text(struct text_buffer *text, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer inert = {0};

    append_inert(&inert, value);
    csv_cell(text, text_buffer_view(&inert), false);
}

static void csv_bytes(struct text_buffer *text, const struct record_bytes *bytes)
{
    AUTO(text_buffer_clear) struct text_buffer inert = {0};

    append_inert_bytes(&inert, bytes);
    csv_cell(text, text_buffer_view(&inert), false);
}

static void csv_number(struct text_buffer *text, uint64_t number, bool present)
{
    if (present) {
        text_buffer_printf(text, "%" PRIu64, number);
    }
    text_buffer_append_char(text, ',');
}

void export_csv(struct text_buffer *text, const struct audit_record *record)
{
    csv_number(text, record->seq, true);
    csv_cell(text, record->timestamp, false);
    csv_text(text, record->run);
    csv_cell(text, str_view_from(audit_source_word(record->source)), false);
    csv_cell(text, str_view_from(audit_kind_word(record->kind)), false);
    csv_cell(text, str_view_from(status_word(record)), false);
    csv_cell(text, str_view_from(decision_word(record)), false);
    csv_text(text, record->call.op);
    csv_bytes(text, &record->call.path);
    csv_bytes(text, &record->call.path2);
    csv_bytes(text, &record->call.host);
    csv_cell(text, record->call.address, false);
    csv_number(text, record->call.port, record->call.port != 0);
    csv_text(text, record->policy.rule);
    csv_text(text, record->code);
    csv_text(text, record->reason);
    csv_cell(text, record->error, false);
    csv_number(text, record->actor.pid, record->has_actor);
    csv_text(text, record->actor.comm);
    csv_text(text, record->actor.exe);
    csv_number(text, record->actor.uid, record->has_actor);
    csv_cell(text, record->entry_hash, true);
}
