#include "cli/normalize/plain_row.h"

#include <inttypes.h>

static bool is_request(const struct audit_record *record)
{
    return (record->kind == AUDIT_KIND_DECISION || record->kind == AUDIT_KIND_REPEAT) &&
           record->policy.has_decision;
}

bool plain_row_is_wanted(const struct audit_record *record)
{
    switch (record->kind) {
    case AUDIT_KIND_DECISION:
    case AUDIT_KIND_REPEAT:
        return record->policy.has_decision;
    case AUDIT_KIND_START:
    case AUDIT_KIND_POLICY:
    case AUDIT_KIND_LIMIT:
    case AUDIT_KIND_BREAKER:
    case AUDIT_KIND_LOSS:
    case AUDIT_KIND_END:
        return true;
    case AUDIT_KIND_RESULT:
    case AUDIT_KIND_LEDGER:
    case AUDIT_KIND_ROTATE:
    case AUDIT_KIND_PRUNE:
    case AUDIT_KIND_RECOVERED:
    case AUDIT_KIND_CLOCK_STEP:
    case AUDIT_KIND_COUNT:
        return false;
    }
    return false;
}

bool plain_row_is_folded(const struct audit_record *record)
{
    static const char *const folded[] = {"read", "list", "lookup", "getattr", "access", "readlink"};

    if (record->kind == AUDIT_KIND_LOSS) {
        return true;
    }
    if (!is_request(record)) {
        return false;
    }
    if (record->status == AUDIT_STATUS_BLOCKED || record->source == AUDIT_SOURCE_NET ||
        record->source == AUDIT_SOURCE_DNS) {
        return true;
    }
    for (size_t i = 0; record->source == AUDIT_SOURCE_FS && i < sizeof(folded) / sizeof(folded[0]);
         i++) {
        if (json_text_equals(record->call.op, str_view_from(folded[i]))) {
            return true;
        }
    }
    return false;
}

/* Absent texts are left out. */
static void append_string(struct text_buffer *text, const char *name, struct str_view escaped)
{
    if (escaped.length > 0) {
        text_buffer_printf(text, ",\"%s\":\"", name);
        text_buffer_append(text, escaped);
        text_buffer_append_char(text, '"');
    }
}

static void append_count(struct text_buffer *text, const char *name, uint64_t count)
{
    if (count > 0) {
        text_buffer_printf(text, ",\"%s\":%" PRIu64, name, count);
    }
}

static void append_bytes(struct text_buffer *text, const char *name,
                         const struct record_bytes *bytes)
{
    if (!record_bytes_present(bytes)) {
        return;
    }
    text_buffer_printf(text, ",\"%s\":\"", name);
    text_buffer_append(text, bytes->text.escaped);
    text_buffer_append_char(text, '"');
    if (bytes->hex.length > 0) {
        text_buffer_printf(text, ",\"%s_hex\":\"%.*s\"", name, STR_VIEW_PRINTF(bytes->hex));
    }
    if (bytes->sha256.length > 0) {
        text_buffer_printf(text, ",\"%s_sha256\":\"%.*s\"", name, STR_VIEW_PRINTF(bytes->sha256));
    }
}

static void append_call(struct text_buffer *text, const struct audit_record *record)
{
    const struct record_call *call = &record->call;

    append_string(text, "op", call->op.escaped);
    append_bytes(text, "path", &call->path);
    append_bytes(text, "path2", &call->path2);
    append_count(text, "flags", call->flags);
    append_string(text, "protocol", call->protocol.escaped);
    append_bytes(text, "host", &call->host);
    if (!record_bytes_present(&call->host)) {
        append_string(text, "address", call->address); /* a name has another one each time */
    }
    append_count(text, "port", call->port);
    append_bytes(text, "sni", &call->sni);
    append_string(text, "type", call->type.escaped);
    append_count(text, "argc", call->argc);
    append_string(text, "argv_hash", call->argv_hash);
}

static const char *status_word(const struct audit_record *record, const struct outcome *outcome)
{
    switch (outcome == NULL ? OUTCOME_NOTE : outcome->outcome) {
    case OUTCOME_OK:
        return "OK";
    case OUTCOME_FAILED:
        return "FAIL";
    case OUTCOME_TIMEOUT:
        return "TIMEOUT";
    case OUTCOME_LIMIT:
        return "LIMIT";
    case OUTCOME_REDACTED:
        return "REDACTED";
    case OUTCOME_BLOCKED:
        return "BLOCKED";
    case OUTCOME_ALLOWED:
    case OUTCOME_LOGGED:
    case OUTCOME_NOTE:
    case OUTCOME_COUNT:
        break;
    }
    return record->has_status ? audit_status_word(record->status) : "";
}

static void append_request(struct text_buffer *text, const struct audit_record *record,
                           const struct outcomes *outcomes)
{
    /* What a fold counted went as its first did. */
    uint64_t seq = record->kind == AUDIT_KIND_REPEAT && record->has_of ? record->of : record->seq;
    const struct outcome *outcome = outcomes_find(outcomes, seq);

    append_call(text, record);
    append_string(text, "decision", str_view_from(audit_decision_word(record->policy.decision)));
    append_string(text, "rule", record->policy.rule.escaped);
    append_string(text, "status", str_view_from(status_word(record, outcome)));
    append_string(text, "code", record->code.escaped);
    append_string(text, "errno",
                  outcome != NULL && outcome->error[0] != '\0' ? str_view_from(outcome->error)
                                                               : record->error);
}

static void append_member(struct text_buffer *text, const struct audit_record *record,
                          const char *name)
{
    struct str_view raw;

    if (record_member(record, name, &raw)) {
        text_buffer_printf(text, ",\"%s\":%.*s", name, STR_VIEW_PRINTF(raw));
    }
}

static void append_note(struct text_buffer *text, const struct audit_record *record)
{
    append_string(text, "kind", str_view_from(audit_kind_word(record->kind)));
    append_string(text, "policy", record->policy.name.escaped);
    append_string(text, "version", record->policy.version.escaped);
    append_string(text, "hash", record->policy.hash.escaped);
    append_string(text, "rule", record->policy.rule.escaped);
    append_string(text, "code", record->code.escaped);
    append_member(text, record, "state");
    append_member(text, record, "event");
    append_member(text, record, "exit");
    append_member(text, record, "cause");
}

void plain_row_append(struct text_buffer *text, const struct audit_record *record,
                      const struct outcomes *outcomes)
{
    text_buffer_printf(text, "\"source\":\"%s\"", audit_source_word(record->source));
    if (is_request(record)) {
        append_request(text, record, outcomes);
    } else {
        append_note(text, record);
    }
}
