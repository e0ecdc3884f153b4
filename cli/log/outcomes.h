/*
 * How the decisions of a run ended: the RESULT and REPEAT records, to be found by the seq of the
 * DECISION that they belong to. Made in one pass before the timeline is shown.
 */
#ifndef FAILCORE_CLI_LOG_OUTCOMES_H
#define FAILCORE_CLI_LOG_OUTCOMES_H

#include "cli/log/event_words.h"
#include "shared/audit/record_reader.h"

struct outcome {
    uint64_t of; /* the DECISION's seq */
    uint64_t seq;
    uint64_t duration_ns;
    uint64_t bytes_in;
    uint64_t bytes_out;
    enum event_outcome outcome;
    char error[20]; /* "ENOENT"; "" for none */
};

struct outcomes {
    struct outcome *rows; /* by `of` once settled */
    size_t count;
    size_t capacity;
};

/* A RESULT whose DECISION has a seq is kept; any other record is passed over. -ENOMEM. */
int outcomes_add(struct outcomes *outcomes, const struct audit_record *record);
/* After the last outcomes_add(), before the first outcomes_find(). */
void outcomes_settle(struct outcomes *outcomes);
/* NULL: nothing came of it, or nothing was to be recorded. */
const struct outcome *outcomes_find(const struct outcomes *outcomes, uint64_t seq);
void outcomes_clear(struct outcomes *outcomes);

#endif
