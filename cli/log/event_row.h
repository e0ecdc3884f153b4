/*
 * A record as one row of a timeline: its words, how it ended (a decision with the result that came
 * of it), why it was refused and what else is worth a note.
 */
#ifndef FAILCORE_CLI_LOG_EVENT_ROW_H
#define FAILCORE_CLI_LOG_EVENT_ROW_H

#include "cli/log/event_words.h"
#include "cli/log/outcomes.h"

struct event_row {
    struct event_words words; /* the workload's bytes */
    struct text_buffer why;   /* code, rule and reason; inert (INERT_TERMINAL) already */
    struct text_buffer notes; /* bytes, duration, errno; inert already */
    enum event_outcome outcome;
    uint64_t seq;
    int64_t time_ns;
    uint64_t count;
    bool filled;
};

/* Fills the row anew. `outcomes` NULL: results are rows of their own. */
void event_row_set(struct event_row *row, const struct outcomes *outcomes,
                   const struct audit_record *record);
/* The two differ in nothing but their number and time: the second may be counted to the first. */
bool event_row_folds(const struct event_row *a, const struct event_row *b);
void event_row_clear(struct event_row *row);

/* "PATH_DENIED by rule secrets: keys stay with the operator", inert. */
void append_refusal(struct text_buffer *text, const struct audit_record *record);

/* Whether a timeline has a row for it: a result is in the row of its decision, and the log's own
 * housekeeping is in nobody's timeline. */
bool event_row_is_wanted(const struct audit_record *record);

#endif
