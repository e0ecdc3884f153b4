/* OCSF 1.3.0 (schema.ocsf.io), an event a line. Strings of a record are JSON already. */
#include <inttypes.h>
#include <string.h>

#include "cli/export/export.h"

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
        {"link", 1},   {"metadata", 6}, {"lookup", 8},  {"getattr", 8}, {"list", 14},
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

/* A file has a name in the schema, which is never empty; the record has a path. `type_id` 0:
 * unknown, 1: regular. */
static void ocsf_file(struct text_buffer *text, const char *member, int type_id,
                      struct json_text path)
{
    struct json_text name = path;
    const char *slash =
        path.escaped.length == 0 ? NULL : memrchr(path.escaped.bytes, '/', path.escaped.length);

    if (slash != NULL) { /* the writer never escapes one */
        name.escaped.length -= (size_t)(slash + 1 - path.escaped.bytes);
        name.escaped.bytes = slash + 1;
    }
    if (name.escaped.length == 0) { /* the root of the mount */
        name = (struct json_text){.escaped = STR_VIEW_LITERAL(".")};
    }
    text_buffer_printf(text, "\"%s\":{\"type_id\":%d", member, type_id);
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
        ocsf_file(text, "file", 0, call->path.text);
        if (record_bytes_present(&call->path2)) { /* of a rename or a link: what it was to become */
            text_buffer_append_char(text, ',');
            ocsf_file(text, "file_result", 0, call->path2.text);
        }
    } else if (record->source == AUDIT_SOURCE_EXEC) {
        /* Who executes becomes the program: it is the same process. */
        text_buffer_printf(text, ",\"process\":{\"pid\":%" PRIu64 ",", record->actor.pid);
        ocsf_file(text, "file", 1, call->path.text);
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

/* Required of what happens on a machine. What the kernel does later for everybody who had a file
 * open, and what the writer does itself, has nobody. */
static void ocsf_actor(struct text_buffer *text, const struct audit_record *record)
{
    if (!record->has_actor) {
        text_buffer_append_text(text, ",\"actor\":{\"user\":{\"name\":\"unknown\"}}");
        return;
    }
    text_buffer_printf(text, ",\"actor\":{\"process\":{\"pid\":%" PRIu64, record->actor.pid);
    ocsf_text(text, ",\"name\":", record->actor.comm);
    if (record->actor.exe.escaped.length > 0) {
        text_buffer_append_char(text, ',');
        ocsf_file(text, "file", 1, record->actor.exe);
    }
    text_buffer_printf(text, "},\"user\":{\"uid\":\"%" PRIu64 "\"}}", record->actor.uid);
}

void export_ocsf(struct text_buffer *text, const struct audit_record *record)
{
    bool refused = row_is_refusal(record);
    bool failed = row_is_failure(record);
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
    ocsf_actor(text, record);
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
