#include "cli/report/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"

/* ---- groups ------------------------------------------------------------------------------ */

static struct refusal *new_refusal(struct report_model *model)
{
    if (model->refusal_count == model->refusal_capacity) {
        size_t capacity = model->refusal_capacity == 0 ? 64 : model->refusal_capacity * 2;
        struct refusal *more = reallocarray(model->refusals, capacity, sizeof(*more));

        if (more == NULL) {
            return NULL;
        }
        model->refusals = more;
        model->refusal_capacity = capacity;
    }
    model->refusals[model->refusal_count] = (struct refusal){0};
    return &model->refusals[model->refusal_count++];
}

static int add_refusal(struct report_model *model, const struct audit_record *record,
                       struct event_row *row)
{
    AUTO(text_buffer_clear) struct text_buffer key = {0};
    enum report_risk risk = report_risk_of(record);
    struct tally_row *place;
    struct tally_row *rule;
    struct refusal *refusal;

    json_text_append(&key, record->policy.rule);
    rule = tally_at(&model->rules, text_buffer_view(&key));
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, text_buffer_view(&row->words.verb));
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, text_buffer_view(&row->words.target));
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, text_buffer_view(&row->words.target2));
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, text_buffer_view(&row->why));
    place = tally_at(&model->refusal_keys, text_buffer_view(&key));
    if (text_buffer_error(&key) < 0 || place == NULL || rule == NULL) {
        return -ENOMEM;
    }
    rule->numbers[0] += record->count;
    model->risks[risk] += record->count;
    if (place->first_seq != UINT64_MAX) {
        model->refusals[place->numbers[0]].row.count += record->count;
        return 0;
    }
    place->first_seq = record->seq;
    place->numbers[0] = model->refusal_count;
    refusal = new_refusal(model);
    if (refusal == NULL) {
        return -ENOMEM;
    }
    refusal->risk = risk;
    refusal->by_rule = record->policy.rule.escaped.length > 0 &&
                       !json_text_equals(record->policy.rule, STR_VIEW_LITERAL("default")) &&
                       !json_text_equals(record->policy.rule, STR_VIEW_LITERAL("builtin"));
    event_row_set(&refusal->row, NULL, record);
    if (record->code.escaped.length < sizeof(refusal->code)) {
        memcpy(refusal->code, record->code.escaped.bytes, record->code.escaped.length);
    }
    return 0;
}

/* "src", or "src/lib" of deeper paths: enough to see where the work was. */
static struct str_view directory_of(struct str_view path)
{
    const char *end = path.bytes + path.length;
    const char *slash = path.length > 0 ? memchr(path.bytes + 1, '/', path.length - 1) : NULL;
    const char *second = slash == NULL ? NULL : memchr(slash + 1, '/', (size_t)(end - slash - 1));

    if (slash == NULL) {
        return STR_VIEW_LITERAL(".");
    }
    return (struct str_view){path.bytes, (size_t)((second == NULL ? slash : second) - path.bytes)};
}

static int add_directory(struct report_model *model, const struct audit_record *record,
                         const struct event_row *row)
{
    struct tally_row *directory =
        tally_at(&model->directories, directory_of(text_buffer_view(&row->words.target)));
    bool reads = json_text_equals(record->call.op, STR_VIEW_LITERAL("read")) ||
                 json_text_equals(record->call.op, STR_VIEW_LITERAL("list")) ||
                 json_text_equals(record->call.op, STR_VIEW_LITERAL("execute"));

    if (directory == NULL) {
        return -ENOMEM;
    }
    directory->numbers[row->outcome == OUTCOME_BLOCKED ? DIRECTORY_BLOCKED
                       : reads                         ? DIRECTORY_READS
                                                       : DIRECTORY_CHANGES] += record->count;
    directory->numbers[DIRECTORY_ALL] += record->count;
    return 0;
}

static int add_host(struct report_model *model, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer name = {0};
    struct tally_row *host;

    if (record_bytes_present(&record->call.host)) {
        record_bytes_append(&name, &record->call.host);
    } else {
        text_buffer_append(&name, record->call.address);
    }
    host = tally_at(&model->hosts, text_buffer_view(&name));
    if (host == NULL) {
        return -ENOMEM;
    }
    if (record->kind == AUDIT_KIND_RESULT) {
        host->numbers[REPORT_HOST_IN] += record->call.bytes_in;
        host->numbers[REPORT_HOST_OUT] += record->call.bytes_out;
    } else if (record->status == AUDIT_STATUS_BLOCKED) {
        host->numbers[REPORT_HOST_BLOCKED] += record->count;
    } else if (record->source == AUDIT_SOURCE_NET) {
        host->numbers[REPORT_HOST_ALLOWED] += record->count;
    }
    return 0;
}

/* By program: one script's hundred processes are one row. */
static int add_process(struct report_model *model, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer name = {0};
    AUTO(text_buffer_clear) struct text_buffer one = {0};
    struct tally_row *row;
    struct tally_row *process;

    if (!record->has_actor) {
        return 0;
    }
    json_text_append(&name,
                     record->actor.exe.escaped.length > 0 ? record->actor.exe : record->actor.comm);
    text_buffer_printf(&one, "%" PRIu64 " %" PRIu64 " ", record->actor.pid, record->actor.start);
    text_buffer_append(&one, text_buffer_view(&name));
    row = tally_at(&model->processes, text_buffer_view(&name));
    process = tally_at(&model->process_numbers, text_buffer_view(&one));
    if (row == NULL || process == NULL) {
        return -ENOMEM;
    }
    row->numbers[PROCESS_EVENTS] += record->count;
    row->numbers[PROCESS_BLOCKED] += record->status == AUDIT_STATUS_BLOCKED ? record->count : 0;
    row->numbers[PROCESS_COUNT] += process->numbers[0]++ == 0;
    return 0;
}

static void add_activity(struct report_model *model, const struct event_row *row, uint64_t count)
{
    int64_t span = model->run->last_ns - model->run->first_ns + 1;
    int64_t since = row->time_ns - model->run->first_ns;
    size_t at = since <= 0 ? 0 : (size_t)((double)since / (double)span * REPORT_BUCKETS);
    struct report_bucket *bucket = &model->buckets[at < REPORT_BUCKETS ? at : REPORT_BUCKETS - 1];
    uint64_t height;

    if (row->outcome == OUTCOME_BLOCKED) {
        bucket->blocked += count;
    } else if (row->outcome == OUTCOME_FAILED || row->outcome == OUTCOME_TIMEOUT ||
               row->outcome == OUTCOME_LIMIT) {
        bucket->failed += count;
    } else {
        bucket->allowed += count;
    }
    height = bucket->allowed + bucket->blocked + bucket->failed;
    model->peak = height > model->peak ? height : model->peak;
}

/* ---- records --------------------------------------------------------------------------------- */

static int add_request(struct report_model *model, const struct audit_record *record,
                       struct event_row *row)
{
    int error = 0;

    event_row_set(row, &model->results, record);
    model->outcomes[row->outcome] += record->count;
    add_activity(model, row, record->count);
    if (row->outcome == OUTCOME_BLOCKED) {
        error = add_refusal(model, record, row);
    }
    if (error == 0 && record->source == AUDIT_SOURCE_FS) {
        error = add_directory(model, record, row);
    }
    if (error == 0 && (record->source == AUDIT_SOURCE_NET || record->source == AUDIT_SOURCE_DNS)) {
        error = add_host(model, record);
    }
    return error < 0 ? error : add_process(model, record);
}

static void add_line(struct text_buffer *lines, const struct audit_record *record)
{
    text_buffer_append(lines, record->line);
    text_buffer_append_char(lines, '\n');
}

static int add_record(struct report_model *model, const struct audit_record *record,
                      struct event_row *row)
{
    uint64_t exit_code;
    int error = ledger_add(&model->ledger, record);

    switch (record->kind) {
    case AUDIT_KIND_DECISION:
    case AUDIT_KIND_REPEAT:
        return error < 0 ? error : add_request(model, record, row);
    case AUDIT_KIND_RESULT:
        return error == 0 && record->source == AUDIT_SOURCE_NET ? add_host(model, record) : error;
    case AUDIT_KIND_START:
        if (model->start.length == 0) {
            text_buffer_append(&model->start, record->line);
        }
        break;
    case AUDIT_KIND_END:
        text_buffer_reset(&model->end);
        text_buffer_append(&model->end, record->line);
        if (record_member_count(record, "exit", &exit_code) && exit_code < 256) {
            model->exit_code = (int64_t)exit_code;
        }
        break;
    case AUDIT_KIND_LIMIT:
    case AUDIT_KIND_BREAKER:
        add_line(&model->limits, record);
        model->limit_count++;
        break;
    case AUDIT_KIND_LOSS:
        model->lost += record->count;
        break;
    case AUDIT_KIND_LEDGER:
    case AUDIT_KIND_POLICY:
    case AUDIT_KIND_ROTATE:
    case AUDIT_KIND_PRUNE:
    case AUDIT_KIND_RECOVERED:
    case AUDIT_KIND_CLOCK_STEP:
    case AUDIT_KIND_COUNT:
        break;
    }
    return error;
}

static int for_each(struct log_view *view, struct report_model *model, bool results_only,
                    struct failure *reterr)
{
    AUTO(event_row_clear) struct event_row row = {0};
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        got = results_only ? outcomes_add(&model->results, &record)
                           : add_record(model, &record, &row);
        if (got < 0) {
            return failure_set(reterr, got, "cannot report: no memory");
        }
    }
    return got;
}

int report_model_make(struct log_view *view, struct report_model *model, struct failure *reterr)
{
    int error;

    *model = (struct report_model){.run = view->run, .exit_code = -1};
    error = for_each(view, model, true, reterr);
    outcomes_settle(&model->results);
    if (error == 0) {
        error = for_each(view, model, false, reterr);
    }
    if (error == 0 && ledger_settle(&model->ledger) < 0) {
        error = failure_set(reterr, -ENOMEM, "cannot report: no memory");
    }
    tally_sort(&model->ledger.programs, 0);
    tally_sort(&model->directories, DIRECTORY_ALL);
    tally_sort(&model->processes, PROCESS_EVENTS);
    tally_sort(&model->hosts, REPORT_HOST_OUT);
    return error;
}

void report_model_clear(struct report_model *model)
{
    ledger_clear(&model->ledger);
    tally_clear(&model->hosts);
    tally_clear(&model->directories);
    tally_clear(&model->processes);
    tally_clear(&model->process_numbers);
    tally_clear(&model->rules);
    tally_clear(&model->refusal_keys);
    for (size_t i = 0; i < model->refusal_count; i++) {
        event_row_clear(&model->refusals[i].row);
    }
    free(model->refusals);
    outcomes_clear(&model->results);
    text_buffer_clear(&model->start);
    text_buffer_clear(&model->end);
    text_buffer_clear(&model->limits);
}
