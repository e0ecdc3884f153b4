/*
 * What goes on in the runs of a log: rates, the last refusals, hosts, limits. Fed with records,
 * asked for a picture once a second.
 *
 * Ownership: release with live_view_clear().
 */
#ifndef FAILCORE_CLI_TOP_LIVE_VIEW_H
#define FAILCORE_CLI_TOP_LIVE_VIEW_H

#include "cli/log/event_row.h"
#include "cli/log/paint.h"
#include "cli/log/tally.h"
#include "shared/audit/run_index.h"

#define LIVE_REFUSALS 8
#define LIVE_RUNS     12
#define LIVE_HOSTS    6

struct live_view {
    struct run_index index;
    struct tally rates; /* by run; numbers: decisions and refusals now and at the picture before */
    struct tally hosts; /* numbers: connections, bytes in and out, refusals */
    struct event_row refusals[LIVE_REFUSALS]; /* a ring */
    char refusal_runs[LIVE_REFUSALS][RUN_INDEX_ID_MAX];
    size_t refusal_next;
    uint64_t limits;
    struct event_row limit; /* the last one */
};

int live_view_add(struct live_view *live, const struct audit_record *record);
/* Appends the picture; rates are since the one before, which was `seconds` ago. */
void live_view_append(struct live_view *live, const struct paint_box *box, double seconds,
                      int64_t now_ns, struct text_buffer *text);
void live_view_clear(struct live_view *live);

#endif
