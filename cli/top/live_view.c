#include "cli/top/live_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/base/utf8.h"

#define HOSTS_MOST   4096 /* a run may name more; the rest is one row */
#define RECENT_NS    INT64_C(60000000000)
#define COLUMNS_MOST 200

enum { RATE_DECISIONS = 0, RATE_BLOCKED, RATE_DECISIONS_BEFORE, RATE_BLOCKED_BEFORE };
enum { HOST_CONNECTIONS = 0, HOST_IN, HOST_OUT, HOST_BLOCKED };

static int count_run(struct live_view *live, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer run = {0};
    struct tally_row *row;

    json_text_append(&run, record->run);
    row = tally_at(&live->rates, text_buffer_view(&run));
    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[RATE_DECISIONS] += record->count;
    row->numbers[RATE_BLOCKED] += record->status == AUDIT_STATUS_BLOCKED ? record->count : 0;
    return 0;
}

static int count_host(struct live_view *live, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer name = {0};
    struct tally_row *row;

    if (record_bytes_present(&record->call.host)) {
        record_bytes_append(&name, &record->call.host);
    } else {
        text_buffer_append(&name, record->call.address);
    }
    row = tally_at(&live->hosts, live->hosts.count < HOSTS_MOST ? text_buffer_view(&name)
                                                                : STR_VIEW_LITERAL("others"));
    if (row == NULL) {
        return -ENOMEM;
    }
    if (record->kind == AUDIT_KIND_RESULT) {
        row->numbers[HOST_IN] += record->call.bytes_in;
        row->numbers[HOST_OUT] += record->call.bytes_out;
    } else if (record->status == AUDIT_STATUS_BLOCKED) {
        row->numbers[HOST_BLOCKED] += record->count;
    } else {
        row->numbers[HOST_CONNECTIONS] += record->count;
    }
    return 0;
}

static void keep_refusal(struct live_view *live, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer run = {0};
    size_t last = (live->refusal_next + LIVE_REFUSALS - 1) % LIVE_REFUSALS;
    size_t at = live->refusal_next;

    event_row_set(&live->refusals[at], NULL, record);
    if (event_row_folds(&live->refusals[last], &live->refusals[at])) {
        live->refusals[last].count += record->count;
        live->refusals[at].filled = false;
        return;
    }
    json_text_append(&run, record->run);
    snprintf(live->refusal_runs[at], RUN_INDEX_ID_MAX, "%s", text_buffer_text(&run));
    live->refusal_next = (at + 1) % LIVE_REFUSALS;
}

int live_view_add(struct live_view *live, const struct audit_record *record)
{
    bool decision = record->kind == AUDIT_KIND_DECISION || record->kind == AUDIT_KIND_REPEAT;
    int error = run_index_add(&live->index, record);

    if (error == 0 && decision && record->has_status) {
        error = count_run(live, record);
        if (record->status == AUDIT_STATUS_BLOCKED) {
            keep_refusal(live, record);
        }
    }
    if (error == 0 && record->source == AUDIT_SOURCE_NET &&
        (decision || record->kind == AUDIT_KIND_RESULT)) {
        error = count_host(live, record);
    }
    if (record->kind == AUDIT_KIND_LIMIT || record->kind == AUDIT_KIND_BREAKER) {
        live->limits++;
        event_row_set(&live->limit, NULL, record);
    }
    return error;
}

/* ---- the picture
 * ------------------------------------------------------------------------------------ */

static void append_title(const struct paint_box *box, struct text_buffer *text, const char *title)
{
    text_buffer_append_char(text, '\n');
    paint_word(box, text, PAINT_BOLD, title, 0);
    text_buffer_append_char(text, '\n');
}

static size_t room_of(const struct paint_box *box, size_t used)
{
    size_t columns = box->columns == 0 ? COLUMNS_MOST : box->columns;

    return columns > used + 16 ? columns - used : 16;
}

static void append_run(struct live_view *live, const struct paint_box *box, double seconds,
                       const struct run_entry *run, int64_t now_ns, struct text_buffer *text)
{
    struct tally_row *row = tally_at(&live->rates, str_view_from(run->id));
    size_t used;
    double decisions = 0;
    double blocked = 0;

    if (row != NULL && seconds > 0) {
        decisions =
            (double)(row->numbers[RATE_DECISIONS] - row->numbers[RATE_DECISIONS_BEFORE]) / seconds;
        blocked =
            (double)(row->numbers[RATE_BLOCKED] - row->numbers[RATE_BLOCKED_BEFORE]) / seconds;
    }
    text_buffer_append_text(text, "  ");
    used = inert_text_append_cut(text, str_view_from(run->id), 28, INERT_TERMINAL);
    text_buffer_printf(text, "%*s", (int)(30 - used), "");
    paint_word(box, text, run->end_seq == UINT64_MAX ? PAINT_GOOD : PAINT_DIM,
               run->end_seq == UINT64_MAX ? "running" : "ended", 9);
    text_buffer_printf(text, "%9.1f/s %10" PRIu64 " decisions ", decisions, run->counts.decisions);
    paint_begin(box, text, run->counts.blocked > 0 ? PAINT_REFUSED : PAINT_DIM);
    text_buffer_printf(text, "%7.1f/s %8" PRIu64 " blocked", blocked, run->counts.blocked);
    paint_end(box, text, run->counts.blocked > 0 ? PAINT_REFUSED : PAINT_DIM);
    text_buffer_append_text(text, "  ");
    append_duration(
        text, (uint64_t)((run->end_seq == UINT64_MAX ? now_ns : run->last_ns) - run->first_ns));
    text_buffer_append_char(text, '\n');
    if (row != NULL) {
        row->numbers[RATE_DECISIONS_BEFORE] = row->numbers[RATE_DECISIONS];
        row->numbers[RATE_BLOCKED_BEFORE] = row->numbers[RATE_BLOCKED];
    }
}

/* Those that run, and those that ended in the last minute; the newest first. */
static void append_runs(struct live_view *live, const struct paint_box *box, double seconds,
                        int64_t now_ns, struct text_buffer *text)
{
    size_t shown = 0;

    append_title(box, text, "runs");
    for (size_t i = live->index.count; i > 0 && shown < LIVE_RUNS; i--) {
        const struct run_entry *run = &live->index.runs[i - 1];

        if (run->end_seq == UINT64_MAX || now_ns - run->last_ns < RECENT_NS) {
            append_run(live, box, seconds, run, now_ns, text);
            shown++;
        }
    }
    if (shown == 0) {
        paint_word(box, text, PAINT_DIM, "  none in the last minute\n", 0);
    }
}

/* The beginning of a text that is inert already: to escape it again would double it. */
static void append_inert_start(struct text_buffer *text, struct str_view inert, size_t columns)
{
    size_t end = 0;
    size_t used = 0;

    while (end < inert.length && used < columns) {
        size_t length = utf8_sequence_length(inert.bytes + end, inert.length - end);

        end += length == 0 ? 1 : length;
        used++;
    }
    text_buffer_append(text, (struct str_view){inert.bytes, end});
    text_buffer_append_text(text, end < inert.length ? "…" : "");
}

static void append_refusals(const struct live_view *live, const struct paint_box *box,
                            struct text_buffer *text)
{
    append_title(box, text, "last refusals");
    for (size_t i = 0; i < LIVE_REFUSALS; i++) {
        size_t at = (live->refusal_next + LIVE_REFUSALS - 1 - i) % LIVE_REFUSALS;
        const struct event_row *row = &live->refusals[at];

        if (!row->filled) {
            continue;
        }
        text_buffer_printf(text, "  %8" PRIu64 "  ", row->seq);
        paint_word(box, text, PAINT_REFUSED, "BLOCKED ", 0);
        inert_text_append_cut(text, text_buffer_view(&row->words.verb), 10, INERT_TERMINAL);
        text_buffer_append_char(text, ' ');
        inert_text_append_cut(text, text_buffer_view(&row->words.target), room_of(box, 50) / 2,
                              INERT_TERMINAL);
        if (row->words.target2.length > 0) {
            text_buffer_append_text(text, " → ");
            inert_text_append_cut(text, text_buffer_view(&row->words.target2), 24, INERT_TERMINAL);
        }
        text_buffer_append_text(text, "  ");
        if (row->count > 1) {
            text_buffer_printf(text, "×%" PRIu64 "  ", row->count);
        }
        paint_begin(box, text, PAINT_DIM);
        append_inert_start(text, text_buffer_view(&row->why), room_of(box, 50) / 2);
        paint_end(box, text, PAINT_DIM);
        text_buffer_append_char(text, '\n');
    }
}

static void append_host(const struct paint_box *box, const struct tally_row *row,
                        struct text_buffer *text)
{
    size_t used;

    text_buffer_append_text(text, "  ");
    used = inert_text_append_cut(text, row->key, 40, INERT_TERMINAL);
    text_buffer_printf(text, "%*s%6" PRIu64 " connections  ", (int)(42 - used), "",
                       row->numbers[HOST_CONNECTIONS]);
    append_size(text, row->numbers[HOST_IN]);
    text_buffer_append_text(text, " in  ");
    append_size(text, row->numbers[HOST_OUT]);
    text_buffer_append_text(text, " out");
    if (row->numbers[HOST_BLOCKED] > 0) {
        text_buffer_append_text(text, "  ");
        paint_begin(box, text, PAINT_REFUSED);
        text_buffer_printf(text, "%" PRIu64 " blocked", row->numbers[HOST_BLOCKED]);
        paint_end(box, text, PAINT_REFUSED);
    }
    text_buffer_append_char(text, '\n');
}

/* The busiest, picked without sorting: the table is looked up by key between pictures. */
static void append_hosts(const struct live_view *live, const struct paint_box *box,
                         struct text_buffer *text)
{
    const struct tally_row *before = NULL;

    append_title(box, text, "hosts");
    for (size_t shown = 0; shown < LIVE_HOSTS; shown++) {
        const struct tally_row *best = NULL;

        for (size_t i = 0; i < live->hosts.count; i++) {
            const struct tally_row *row = live->hosts.rows[i];
            bool later = before == NULL || row->numbers[HOST_OUT] < before->numbers[HOST_OUT] ||
                         (row->numbers[HOST_OUT] == before->numbers[HOST_OUT] && row > before);

            if (later && (best == NULL || row->numbers[HOST_OUT] > best->numbers[HOST_OUT] ||
                          (row->numbers[HOST_OUT] == best->numbers[HOST_OUT] && row < best))) {
                best = row;
            }
        }
        if (best == NULL) {
            break;
        }
        append_host(box, best, text);
        before = best;
    }
}

void live_view_append(struct live_view *live, const struct paint_box *box, double seconds,
                      int64_t now_ns, struct text_buffer *text)
{
    append_runs(live, box, seconds, now_ns, text);
    append_refusals(live, box, text);
    append_hosts(live, box, text);
    if (live->limits > 0) {
        append_title(box, text, "limits");
        text_buffer_printf(text, "  %" PRIu64 " reached; the last: ", live->limits);
        append_inert_start(text, text_buffer_view(&live->limit.why), room_of(box, 30));
        text_buffer_append_char(text, '\n');
    }
}

void live_view_clear(struct live_view *live)
{
    run_index_clear(&live->index);
    tally_clear(&live->rates);
    tally_clear(&live->hosts);
    for (size_t i = 0; i < LIVE_REFUSALS; i++) {
        event_row_clear(&live->refusals[i]);
    }
    event_row_clear(&live->limit);
}
