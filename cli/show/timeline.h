/*
 * The records of a run as rows that a person reads: a decision and what came of it are one row, a
 * refusal has a second one with its reason, equal neighbours fold into one row with a count.
 *
 *     seq  time          outcome  process           what
 *      41  10:30:00.123  BLOCKED  python3[4242]     write   src/.env
 *                                 PATH_DENIED by rule secrets: keys stay with the operator
 */
#ifndef FAILCORE_CLI_SHOW_TIMELINE_H
#define FAILCORE_CLI_SHOW_TIMELINE_H

#include "cli/log/event_row.h"
#include "cli/log/paint.h"

struct timeline {
    const struct paint_box *box;
    const struct outcomes *outcomes; /* NULL: results come as rows of their own */
    size_t seq_columns;
    struct event_row rows[2];
    unsigned int held; /* the row that may still grow */
    int last_day;      /* day of the year of the row before; -1 at the beginning */
    struct text_buffer out;
};

/* Shows the record, or keeps it for a moment to fold the next one into it. */
void timeline_add(struct timeline *timeline, const struct audit_record *record);
/* Writes what is held. */
void timeline_flush(struct timeline *timeline);
void timeline_clear(struct timeline *timeline);

#endif
