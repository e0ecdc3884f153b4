#include "cli/log/event_row.h"

#include "shared/base/inert_text.h"

static void append_json(struct text_buffer *text, struct json_text value)
{
    struct text_buffer decoded = {0};

    json_text_append(&decoded, value);
    inert_text_append(text, text_buffer_view(&decoded), INERT_TERMINAL);
    text_buffer_clear(&decoded);
}

void append_refusal(struct text_buffer *text, const struct audit_record *record)
{
    append_json(text, record->code);
    if (json_text_equals(record->policy.rule, STR_VIEW_LITERAL("default"))) {
        text_buffer_append_text(text, record->reason.escaped.length > 0
                                          ? " by default"
                                          : " by default: no rule allows it");
    } else if (json_text_equals(record->policy.rule, STR_VIEW_LITERAL("builtin"))) {
        text_buffer_append_text(text, ", built in");
    } else if (record->policy.rule.escaped.length > 0) {
        text_buffer_append_text(text, " by rule ");
        append_json(text, record->policy.rule);
    }
    if (record->reason.escaped.length > 0) {
        text_buffer_append_text(text, ": ");
        append_json(text, record->reason);
    }
}

static void add_note(struct text_buffer *notes)
{
    text_buffer_append_text(notes, notes->length == 0 ? "" : ", ");
}

static void note_bytes(struct text_buffer *notes, uint64_t bytes, const char *what)
{
    if (bytes > 0) {
        add_note(notes);
        append_size(notes, bytes);
        text_buffer_printf(notes, " %s", what);
    }
}

static void note_result(struct event_row *row, const struct audit_record *record, uint64_t bytes_in,
                        uint64_t bytes_out, uint64_t duration_ns)
{
    bool is_net = record->source == AUDIT_SOURCE_NET;

    note_bytes(&row->notes, bytes_in, is_net ? "in" : "read");
    note_bytes(&row->notes, bytes_out, is_net ? "out" : "written");
    if (duration_ns >= 10000000U) {
        add_note(&row->notes);
        append_duration(&row->notes, duration_ns);
    }
}

void event_row_set(struct event_row *row, const struct outcomes *outcomes,
                   const struct audit_record *record)
{
    const struct outcome *outcome = outcomes == NULL ? NULL : outcomes_find(outcomes, record->seq);

    event_words_set(&row->words, record);
    text_buffer_reset(&row->why);
    text_buffer_reset(&row->notes);
    row->seq = record->seq;
    row->count = record->count;
    row->time_ns = 0;
    (void)record_time_parse(record->timestamp, &row->time_ns);
    row->outcome = event_outcome_of(record);
    row->filled = true;
    if (record->source == AUDIT_SOURCE_NET && record_bytes_present(&record->call.host) &&
        record->call.address.length > 0) {
        inert_text_append(&row->notes, record->call.address, INERT_TERMINAL);
    }
    if (row->outcome == OUTCOME_BLOCKED || record->code.escaped.length > 0) {
        append_refusal(&row->why, record);
    } else if (row->outcome == OUTCOME_LOGGED && record->policy.rule.escaped.length > 0) {
        text_buffer_append_text(&row->why, "logged by rule ");
        append_json(&row->why, record->policy.rule);
    }
    if (record->error.length > 0 && row->outcome != OUTCOME_BLOCKED) {
        add_note(&row->notes);
        inert_text_append(&row->notes, record->error, INERT_TERMINAL);
    }
    if (outcome != NULL) {
        row->outcome = row->outcome == OUTCOME_LOGGED && outcome->outcome == OUTCOME_OK
                           ? OUTCOME_LOGGED
                           : outcome->outcome;
        if (outcome->error[0] != '\0') {
            add_note(&row->notes);
            inert_text_append(&row->notes, str_view_from(outcome->error), INERT_TERMINAL);
        }
        note_result(row, record, outcome->bytes_in, outcome->bytes_out, outcome->duration_ns);
    } else if (record->kind == AUDIT_KIND_RESULT) {
        note_result(row, record, record->call.bytes_in, record->call.bytes_out,
                    record->duration_ns);
    }
}

static bool same_text(const struct text_buffer *a, const struct text_buffer *b)
{
    return str_view_equals(text_buffer_view(a), text_buffer_view(b));
}

bool event_row_folds(const struct event_row *a, const struct event_row *b)
{
    return a->filled && b->filled && a->outcome == b->outcome && a->outcome != OUTCOME_NOTE &&
           same_text(&a->words.verb, &b->words.verb) &&
           same_text(&a->words.target, &b->words.target) &&
           same_text(&a->words.target2, &b->words.target2) &&
           same_text(&a->words.process, &b->words.process) && same_text(&a->why, &b->why) &&
           same_text(&a->notes, &b->notes);
}

void event_row_clear(struct event_row *row)
{
    event_words_clear(&row->words);
    text_buffer_clear(&row->why);
    text_buffer_clear(&row->notes);
}

bool event_row_is_wanted(const struct audit_record *record)
{
    switch (record->kind) {
    case AUDIT_KIND_RESULT:
        return !record->has_of;
    case AUDIT_KIND_LEDGER:
    case AUDIT_KIND_ROTATE:
    case AUDIT_KIND_PRUNE:
        return false;
    case AUDIT_KIND_START:
    case AUDIT_KIND_DECISION:
    case AUDIT_KIND_REPEAT:
    case AUDIT_KIND_LOSS:
    case AUDIT_KIND_POLICY:
    case AUDIT_KIND_LIMIT:
    case AUDIT_KIND_BREAKER:
    case AUDIT_KIND_RECOVERED:
    case AUDIT_KIND_CLOCK_STEP:
    case AUDIT_KIND_END:
    case AUDIT_KIND_COUNT:
        break;
    }
    return true;
}
