#include "cli/log/event_words.h"

#include <ctype.h>
#include <inttypes.h>

static enum event_outcome outcome_of_status(enum audit_status status)
{
    switch (status) {
    case AUDIT_STATUS_BLOCKED:
    case AUDIT_STATUS_COUNT:
        return OUTCOME_BLOCKED;
    case AUDIT_STATUS_ALLOWED:
        return OUTCOME_ALLOWED;
    case AUDIT_STATUS_OK:
        return OUTCOME_OK;
    case AUDIT_STATUS_FAIL:
        return OUTCOME_FAILED;
    case AUDIT_STATUS_TIMEOUT:
        return OUTCOME_TIMEOUT;
    case AUDIT_STATUS_LIMIT:
        return OUTCOME_LIMIT;
    case AUDIT_STATUS_REDACTED:
        return OUTCOME_REDACTED;
    }
    return OUTCOME_BLOCKED;
}

enum event_outcome event_outcome_of(const struct audit_record *record)
{
    enum event_outcome outcome;

    if (!record->has_status) {
        return OUTCOME_NOTE;
    }
    outcome = outcome_of_status(record->status);
    return outcome == OUTCOME_ALLOWED && record->policy.has_decision &&
                   record->policy.decision == AUDIT_DECISION_LOGGED
               ? OUTCOME_LOGGED
               : outcome;
}

const char *event_outcome_word(enum event_outcome outcome)
{
    static const char *const words[OUTCOME_COUNT] = {
        [OUTCOME_BLOCKED] = "BLOCKED", [OUTCOME_ALLOWED] = "allowed",
        [OUTCOME_LOGGED] = "logged",   [OUTCOME_OK] = "ok",
        [OUTCOME_FAILED] = "FAIL",     [OUTCOME_TIMEOUT] = "TIMEOUT",
        [OUTCOME_LIMIT] = "LIMIT",     [OUTCOME_REDACTED] = "redacted",
        [OUTCOME_NOTE] = "",
    };

    return words[outcome];
}

static void set_endpoint(struct event_words *words, const struct record_call *call)
{
    bool named = record_bytes_present(&call->host);
    bool bracket = !named && memchr(call->address.bytes, ':', call->address.length) != NULL;

    text_buffer_append_text(&words->target, bracket ? "[" : "");
    if (named) {
        record_bytes_append(&words->target, &call->host);
    } else {
        text_buffer_append(&words->target, call->address);
    }
    text_buffer_append_text(&words->target, bracket ? "]" : "");
    if (call->port != 0) {
        text_buffer_printf(&words->target, ":%" PRIu64, call->port);
    }
    if (!json_text_equals(call->protocol, STR_VIEW_LITERAL("tcp"))) {
        text_buffer_append_char(&words->target, '/');
        json_text_append(&words->target, call->protocol);
    }
}

static void set_question(struct event_words *words, const struct record_call *call)
{
    record_bytes_append(&words->target, &call->host);
    text_buffer_append_char(&words->target, ' ');
    json_text_append(&words->target, call->type);
}

static void append_member(struct text_buffer *text, const struct audit_record *record,
                          const char *before, const char *name)
{
    struct json_text value;

    if (record_member_text(record, name, &value)) {
        text_buffer_append_text(text, before);
        json_text_append(text, value);
    }
}

/* What a person wants of a note; of most, its members as they stand. */
static void set_members(struct event_words *words, const struct audit_record *record)
{
    struct text_buffer *target = &words->target;
    uint64_t uid;

    if (record->kind == AUDIT_KIND_POLICY) {
        json_text_append(target, record->policy.name);
        text_buffer_append_char(target, ' ');
        json_text_append(target, record->policy.version);
    } else if (record->kind == AUDIT_KIND_START) {
        if (record_member_count(record, "launcher_uid", &uid)) {
            text_buffer_printf(target, "by uid %" PRIu64, uid);
        }
        append_member(target, record, " on ", "host");
        append_member(target, record, ", workspace ", "workspace");
    } else if (record->kind == AUDIT_KIND_BREAKER) {
        append_member(target, record, "", "state");
        append_member(target, record, ", ", "action");
    } else if (record->kind == AUDIT_KIND_END) {
        append_member(target, record, "", "detail");
    } else {
        text_buffer_append(target, record->call.members);
    }
}

static void set_target(struct event_words *words, const struct audit_record *record)
{
    const struct record_call *call = &record->call;

    switch (record->source) {
    case AUDIT_SOURCE_FS:
    case AUDIT_SOURCE_EXEC:
        record_bytes_append(&words->target, &call->path);
        record_bytes_append(&words->target2, &call->path2);
        if (words->target.length == 0 && record->kind != AUDIT_KIND_POLICY) {
            text_buffer_append_text(&words->target, "."); /* the root of the mount */
        }
        break;
    case AUDIT_SOURCE_NET:
        set_endpoint(words, call);
        break;
    case AUDIT_SOURCE_DNS:
        set_question(words, call);
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
    case AUDIT_SOURCE_COUNT:
        set_members(words, record);
        break;
    }
}

/* Requests are named by their operation, notes by their kind: "clock step". */
static void set_verb(struct event_words *words, const struct audit_record *record)
{
    const char *kind = audit_kind_word(record->kind);

    switch (record->kind) {
    case AUDIT_KIND_DECISION:
    case AUDIT_KIND_RESULT:
    case AUDIT_KIND_REPEAT:
        json_text_append(&words->verb, record->call.op);
        return;
    case AUDIT_KIND_START:
    case AUDIT_KIND_LEDGER:
    case AUDIT_KIND_LOSS:
    case AUDIT_KIND_POLICY:
    case AUDIT_KIND_LIMIT:
    case AUDIT_KIND_BREAKER:
    case AUDIT_KIND_ROTATE:
    case AUDIT_KIND_PRUNE:
    case AUDIT_KIND_RECOVERED:
    case AUDIT_KIND_CLOCK_STEP:
    case AUDIT_KIND_END:
    case AUDIT_KIND_COUNT:
        break;
    }
    for (; *kind != '\0'; kind++) {
        text_buffer_append_char(&words->verb, *kind == '_' ? ' ' : (char)tolower(*kind));
    }
}

void event_words_set(struct event_words *words, const struct audit_record *record)
{
    text_buffer_reset(&words->verb);
    text_buffer_reset(&words->target);
    text_buffer_reset(&words->target2);
    text_buffer_reset(&words->process);
    set_verb(words, record);
    set_target(words, record);
    if (record->has_actor) {
        json_text_append(&words->process, record->actor.comm);
        text_buffer_printf(&words->process, "[%" PRIu64 "]", record->actor.pid);
    }
}

void event_words_clear(struct event_words *words)
{
    text_buffer_clear(&words->verb);
    text_buffer_clear(&words->target);
    text_buffer_clear(&words->target2);
    text_buffer_clear(&words->process);
}

void append_size(struct text_buffer *text, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024.0;
    size_t unit = 0;

    if (bytes < 1024) {
        text_buffer_printf(text, "%" PRIu64 " B", bytes);
        return;
    }
    while (size >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024.0;
        unit++;
    }
    text_buffer_printf(text, "%.1f %s", size, units[unit]);
}

void append_duration(struct text_buffer *text, uint64_t ns)
{
    uint64_t seconds = ns / 1000000000U;

    if (seconds >= 3600) {
        text_buffer_printf(text, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
                           seconds % 3600 / 60);
    } else if (seconds >= 60) {
        text_buffer_printf(text, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    } else if (seconds >= 1) {
        text_buffer_printf(text, "%" PRIu64 ".%" PRIu64 " s", seconds, ns / 100000000U % 10);
    } else {
        text_buffer_printf(text, "%" PRIu64 ".%" PRIu64 " ms", ns / 1000000U, ns / 100000U % 10);
    }
}
