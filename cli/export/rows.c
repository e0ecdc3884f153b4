#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/export/export.h"
#include "shared/base/cleanup.h"

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

static bool is_refusal(const struct audit_record *record)
{
    return record->has_status && record->status == AUDIT_STATUS_BLOCKED;
}

static bool is_failure(const struct audit_record *record)
{
    return record->has_status &&
           (record->status == AUDIT_STATUS_FAIL || record->status == AUDIT_STATUS_TIMEOUT ||
            record->status == AUDIT_STATUS_LIMIT);
}

/* ---- OCSF 1.3 ------------------------------------------------------------------------------- */

struct activity {
    const char *op;
    int id;
};

static int activity_of(const struct activity *rows, size_t count, struct json_text op)
{
    for (size_t i = 0; i < count; i++) {
        if (json_text_equals(op, str_view_from(rows[i].op))) {
            return rows[i].id;
        }
    }
    return 99; /* Other */
}

static int fs_activity(struct json_text op)
{
    static const struct activity rows[] = {
        {"create", 1}, {"read", 2},     {"write", 3},   {"delete", 4},  {"rename", 5},
        {"link", 12},  {"metadata", 6}, {"lookup", 8},  {"getattr", 8}, {"list", 14},
        {"open", 14},  {"access", 8},   {"execute", 14}};

    return activity_of(rows, sizeof(rows) / sizeof(rows[0]), op);
}

static int net_activity(struct json_text op)
{
    static const struct activity rows[] = {{"connect", 1}, {"flow_end", 2}, {"send", 6}};

    return activity_of(rows, sizeof(rows) / sizeof(rows[0]), op);
}

static void ocsf_class(const struct audit_record *record, int *ret_class, int *ret_activity)
{
    switch (record->source) {
    case AUDIT_SOURCE_FS:
        *ret_class = 1001;
        *ret_activity = fs_activity(record->call.op);
        break;
    case AUDIT_SOURCE_NET:
        *ret_class = 4001;
        *ret_activity = net_activity(record->call.op);
        break;
    case AUDIT_SOURCE_DNS:
        *ret_class = 4003;
        *ret_activity = 1;
        break;
    case AUDIT_SOURCE_EXEC:
        *ret_class = 1007;
        *ret_activity = 1;
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
    case AUDIT_SOURCE_COUNT:
        *ret_class = 6002;
        *ret_activity = record->kind == AUDIT_KIND_START ? 3
                        : record->kind == AUDIT_KIND_END ? 4
                                                         : 99;
        break;
    }
}

/* A member whose value is a string of the record, as it stands there: already JSON. */
static void ocsf_text(struct text_buffer *text, const char *name, struct json_text value)
{
    text_buffer_append_text(text, name);
    text_buffer_append_char(text, '"');
    text_buffer_append(text, value.escaped);
    text_buffer_append_char(text, '"');
}

static void ocsf_word(struct text_buffer *text, const char *name, struct str_view value)
{
    text_buffer_append_text(text, name);
    text_buffer_append_json_string(text, value);
}

/* A file has a name in the schema; the record has a path. `type_id` 0: unknown, 1: regular. */
static void ocsf_file(struct text_buffer *text, int type_id, struct json_text path)
{
    struct json_text name = path;
    const char *slash =
        path.escaped.length == 0 ? NULL : memrchr(path.escaped.bytes, '/', path.escaped.length);

    if (slash != NULL) { /* the writer never escapes one */
        name.escaped.length -= (size_t)(slash + 1 - path.escaped.bytes);
        name.escaped.bytes = slash + 1;
    }
    text_buffer_printf(text, "\"file\":{\"type_id\":%d", type_id);
    ocsf_text(text, ",\"name\":", name);
    ocsf_text(text, ",\"path\":", path);
    text_buffer_append_char(text, '}');
}

static void ocsf_endpoint(struct text_buffer *text, const char *name, struct str_view address,
                          uint64_t port, struct json_text host)
{
    text_buffer_printf(text, ",\"%s\":{\"port\":%" PRIu64, name, port);
    if (address.length > 0) {
        ocsf_word(text, ",\"ip\":", address);
    }
    if (host.escaped.length > 0) {
        ocsf_text(text, ",\"hostname\":", host);
    }
    text_buffer_append_char(text, '}');
}

static void ocsf_target(struct text_buffer *text, const struct audit_record *record)
{
    const struct record_call *call = &record->call;

    if (record->source == AUDIT_SOURCE_FS) {
        text_buffer_append_char(text, ',');
        ocsf_file(text, 0, call->path.text);
    } else if (record->source == AUDIT_SOURCE_EXEC) {
        text_buffer_append_text(text, ",\"process\":{");
        ocsf_file(text, 1, call->path.text);
        text_buffer_append_char(text, '}');
    } else if (record->source == AUDIT_SOURCE_NET) {
        ocsf_endpoint(text, "dst_endpoint", call->address, call->port, call->host.text);
        if (call->source_address.length > 0) {
            ocsf_endpoint(text, "src_endpoint", call->source_address, call->source_port,
                          (struct json_text){0});
        }
        ocsf_text(text,
                  ",\"connection_info\":{\"direction_id\":2,\"protocol_name\":", call->protocol);
        text_buffer_append_char(text, '}');
    } else if (record->source == AUDIT_SOURCE_DNS) {
        ocsf_text(text, ",\"query\":{\"hostname\":", call->host.text);
        ocsf_text(text, ",\"type\":", call->type);
        text_buffer_append_char(text, '}');
    } else {
        text_buffer_append_text(text, ",\"app\":{\"name\":\"failcore\",\"vendor_name\":"
                                      "\"failcore\",\"version\":\"" FAILCORE_VERSION "\"}");
    }
    /* Required of what happens on a machine. A record does not say which: its START does. */
    if (record->source == AUDIT_SOURCE_FS || record->source == AUDIT_SOURCE_EXEC) {
        text_buffer_append_text(text, ",\"device\":{\"type_id\":0,\"name\":\"host of the log\"}");
    }
}

void export_ocsf(struct text_buffer *text, const struct audit_record *record)
{
    bool refused = is_refusal(record);
    bool failed = is_failure(record);
    int64_t time_ns = 0;
    int class_id = 0;
    int activity = 0;

    ocsf_class(record, &class_id, &activity);
    (void)record_time_parse(record->timestamp, &time_ns);
    text_buffer_printf(text,
                       "{\"class_uid\":%d,\"category_uid\":%d,\"activity_id\":%d,\"type_uid\":%d,"
                       "\"severity_id\":%d,\"time\":%" PRId64 ",\"status_id\":%d,\"action_id\":%d,"
                       "\"disposition_id\":%d",
                       class_id, class_id / 1000, activity, class_id * 100 + activity,
                       refused  ? 3
                       : failed ? 2
                                : 1,
                       time_ns / 1000000, refused || failed ? 2 : 1, refused ? 2 : 1,
                       refused ? 2 : 1);
    ocsf_text(text, ",\"status_detail\":", record->reason);
    text_buffer_printf(text,
                       ",\"metadata\":{\"version\":\"1.3.0\",\"product\":{\"name\":\"failcore\","
                       "\"vendor_name\":\"failcore\",\"version\":\"" FAILCORE_VERSION
                       "\"},\"profiles\":[\"security_control\"],\"sequence\":%" PRIu64,
                       record->seq);
    ocsf_word(text, ",\"uid\":", record->id);
    ocsf_text(text, ",\"correlation_uid\":", record->run);
    text_buffer_append_char(text, '}');
    if (record->has_actor) {
        text_buffer_printf(text, ",\"actor\":{\"process\":{\"pid\":%" PRIu64, record->actor.pid);
        ocsf_text(text, ",\"name\":", record->actor.comm);
        text_buffer_append_char(text, ',');
        ocsf_file(text, 1, record->actor.exe);
        text_buffer_printf(text, "},\"user\":{\"uid\":\"%" PRIu64 "\"}}", record->actor.uid);
    }
    ocsf_target(text, record);
    if (record->policy.rule.escaped.length > 0) {
        ocsf_text(text, ",\"firewall_rule\":{\"uid\":", record->policy.rule);
        text_buffer_append_char(text, '}');
    }
    ocsf_text(text, ",\"unmapped\":{\"code\":", record->code);
    ocsf_word(text, ",\"errno\":", record->error);
    ocsf_word(text, ",\"kind\":", str_view_from(audit_kind_word(record->kind)));
    ocsf_text(text, ",\"op\":", record->call.op);
    text_buffer_printf(text, ",\"time_ns\":\"%" PRId64 "\"", time_ns);
    ocsf_word(text, ",\"entry_hash\":", record->entry_hash);
    text_buffer_append_text(text, "}}\n");
}

/* ---- CEF ------------------------------------------------------------------------------------ */

/* In the header a bar and a backslash are escaped, in the extension an equals sign; a line break
 * or another control byte would begin a new event for many readers. */
static void cef_escape(struct text_buffer *text, struct str_view value, bool in_header)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.bytes[i];

        if (c == '\\' || c == (in_header ? '|' : '=')) {
            text_buffer_append_char(text, '\\');
            text_buffer_append_char(text, c);
        } else if (c == '\n' || c == '\r') {
            text_buffer_append_text(text, in_header ? " " : c == '\n' ? "\\n" : "\\r");
        } else {
            text_buffer_append_char(text, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
        }
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
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    decode(&decoded, value);
    cef_pair(text, name, text_buffer_view(&decoded));
}

void export_cef(struct text_buffer *text, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer value = {0};
    int64_t time_ns = 0;

    (void)record_time_parse(record->timestamp, &time_ns);
    text_buffer_append_text(text, "CEF:0|FailCore|failcore|" FAILCORE_VERSION "|");
    decode(&value, record->code);
    cef_escape(text,
               value.length > 0 ? text_buffer_view(&value)
                                : str_view_from(audit_kind_word(record->kind)),
               true);
    text_buffer_append_char(text, '|');
    decode(&value, record->call.op);
    cef_escape(text, text_buffer_view(&value), true);
    text_buffer_printf(text, "|%d|rt=%" PRId64 " cn1Label=seq cn1=%" PRIu64,
                       is_refusal(record)   ? 7
                       : is_failure(record) ? 4
                                            : 1,
                       time_ns / 1000000, record->seq);
    cef_pair(text, "externalId", record->id);
    cef_pair(text, "act", str_view_from(decision_word(record)));
    cef_pair(text, "outcome", str_view_from(status_word(record)));
    cef_text(text, "reason", record->reason);
    cef_text(text, "filePath", record->call.path.text);
    cef_text(text, "dhost", record->call.host.text);
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
    text_buffer_append_char(text, '\n');
}

/* ---- CSV (RFC 4180) ------------------------------------------------------------------------- */

/* A cell that a spreadsheet would take for a formula gets an apostrophe in front. */
static void csv_cell(struct text_buffer *text, struct str_view value, bool is_last)
{
    text_buffer_append_char(text, '"');
    if (value.length > 0 && strchr("=+-@\t\r\n", value.bytes[0]) != NULL) {
        text_buffer_append_char(text, '\'');
    }
    for (size_t i = 0; i < value.length; i++) {
        char c = value.bytes[i];

        if (c == '"') {
            text_buffer_append_char(text, '"');
        }
        text_buffer_append_char(text, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
    }
    text_buffer_append_text(text, is_last ? "\"\n" : "\",");
}

static void csv_text(struct text_buffer *text, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    decode(&decoded, value);
    csv_cell(text, text_buffer_view(&decoded), false);
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
    csv_text(text, record->call.path.text);
    csv_text(text, record->call.host.text);
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
