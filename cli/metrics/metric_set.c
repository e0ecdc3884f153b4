#include "cli/metrics/metric_set.h"

#include <inttypes.h>

enum metric {
#define METRIC_ENUM(id, name, type, help) METRIC_##id,
    METRIC_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
};

struct metric_row {
    const char *name;
    const char *type;
    const char *help;
};
static const struct metric_row metric_rows[] = {
#define METRIC_ROW(id, name, type, help) {name, type, help},
    METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

static enum denial_code code_of(const struct audit_record *record)
{
    for (enum denial_code code = 1; code < DENIAL_CODE_COUNT; code++) {
        if (json_text_equals(record->code, str_view_from(denial_code_word(code)))) {
            return code;
        }
    }
    return DENIAL_NONE;
}

void metric_set_add(struct metric_set *metrics, const struct audit_record *record)
{
    metrics->records[record->kind]++;
    metrics->next_seq = record->seq + 1;
    (void)record_time_parse(record->timestamp, &metrics->last_time_ns);
    if ((record->kind == AUDIT_KIND_DECISION || record->kind == AUDIT_KIND_REPEAT) &&
        record->policy.has_decision) {
        metrics->decisions[record->source][record->policy.decision] += record->count;
        if (record->policy.decision == AUDIT_DECISION_BLOCKED) {
            metrics->blocked[code_of(record)] += record->count;
        }
    } else if (record->kind == AUDIT_KIND_RESULT && record->has_status) {
        uint64_t *bytes = record->source == AUDIT_SOURCE_NET  ? metrics->net_bytes
                          : record->source == AUDIT_SOURCE_FS ? metrics->file_bytes
                                                              : NULL;

        metrics->results[record->source][record->status] += record->count;
        if (bytes != NULL) {
            bytes[0] += record->call.bytes_in;
            bytes[1] += record->call.bytes_out;
        }
    }
    metrics->lost += record->kind == AUDIT_KIND_LOSS ? record->count : 0;
    metrics->runs += record->kind == AUDIT_KIND_START && record->source == AUDIT_SOURCE_RUN;
    metrics->runs_ended += record->kind == AUDIT_KIND_END && record->source == AUDIT_SOURCE_RUN;
}

static void append_head(struct text_buffer *text, enum metric metric)
{
    const struct metric_row *row = &metric_rows[metric];

    text_buffer_printf(text, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
                       row->type);
}

static void append_number(struct text_buffer *text, enum metric metric, uint64_t number)
{
    append_head(text, metric);
    text_buffer_printf(text, "%s %" PRIu64 "\n", metric_rows[metric].name, number);
}

static void append_decisions(const struct metric_set *metrics, struct text_buffer *text)
{
    append_head(text, METRIC_DECISIONS);
    for (enum audit_source source = 0; source < AUDIT_SOURCE_COUNT; source++) {
        for (enum audit_decision decision = 0; decision < AUDIT_DECISION_COUNT; decision++) {
            text_buffer_printf(text, "%s{source=\"%s\",decision=\"%s\"} %" PRIu64 "\n",
                               metric_rows[METRIC_DECISIONS].name, audit_source_word(source),
                               audit_decision_word(decision), metrics->decisions[source][decision]);
        }
    }
}

static void append_results(const struct metric_set *metrics, struct text_buffer *text)
{
    append_head(text, METRIC_RESULTS);
    for (enum audit_source source = 0; source < AUDIT_SOURCE_COUNT; source++) {
        for (enum audit_status status = 0; status < AUDIT_STATUS_COUNT; status++) {
            if (metrics->results[source][status] > 0) {
                text_buffer_printf(text, "%s{source=\"%s\",status=\"%s\"} %" PRIu64 "\n",
                                   metric_rows[METRIC_RESULTS].name, audit_source_word(source),
                                   audit_status_word(status), metrics->results[source][status]);
            }
        }
    }
}

static void append_two(struct text_buffer *text, enum metric metric, const char *const words[2],
                       const uint64_t numbers[2])
{
    append_head(text, metric);
    for (int i = 0; i < 2; i++) {
        text_buffer_printf(text, "%s{direction=\"%s\"} %" PRIu64 "\n", metric_rows[metric].name,
                           words[i], numbers[i]);
    }
}

void metric_set_append(const struct metric_set *metrics, struct text_buffer *text)
{
    static const char *const net[2] = {"in", "out"};
    static const char *const file[2] = {"read", "written"};

    append_head(text, METRIC_RECORDS);
    for (enum audit_kind kind = 0; kind < AUDIT_KIND_COUNT; kind++) {
        text_buffer_printf(text, "%s{kind=\"%s\"} %" PRIu64 "\n", metric_rows[METRIC_RECORDS].name,
                           audit_kind_word(kind), metrics->records[kind]);
    }
    append_decisions(metrics, text);
    append_head(text, METRIC_BLOCKED);
    for (enum denial_code code = 0; code < DENIAL_CODE_COUNT; code++) {
        text_buffer_printf(text, "%s{code=\"%s\"} %" PRIu64 "\n", metric_rows[METRIC_BLOCKED].name,
                           code == DENIAL_NONE ? "other" : denial_code_word(code),
                           metrics->blocked[code]);
    }
    append_results(metrics, text);
    append_two(text, METRIC_NET_BYTES, net, metrics->net_bytes);
    append_two(text, METRIC_FILE_BYTES, file, metrics->file_bytes);
    append_number(text, METRIC_LOST, metrics->lost);
    append_number(text, METRIC_UNREADABLE, metrics->unreadable);
    append_number(text, METRIC_RUNS, metrics->runs);
    append_number(text, METRIC_RUNS_ENDED, metrics->runs_ended);
    append_number(text, METRIC_NEXT_SEQ, metrics->next_seq);
    append_head(text, METRIC_LAST_TIME);
    text_buffer_printf(text, "%s %" PRId64 ".%03d\n", metric_rows[METRIC_LAST_TIME].name,
                       metrics->last_time_ns / 1000000000,
                       (int)(metrics->last_time_ns / 1000000 % 1000));
}
