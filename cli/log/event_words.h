/*
 * A record in words: what was done to what, and how it ended. Used by every view, so that the
 * terminal, the report and `why` speak alike.
 *
 * Targets are the workload's bytes, not safe to show: through inert_text only.
 */
#ifndef FAILCORE_CLI_LOG_EVENT_WORDS_H
#define FAILCORE_CLI_LOG_EVENT_WORDS_H

#include "shared/audit/record_reader.h"
#include "shared/base/text_buffer.h"

/* How it ended, as a person asks it. BLOCKED is our work, FAILED is theirs: never mixed. */
enum event_outcome {
    OUTCOME_BLOCKED = 0,
    OUTCOME_ALLOWED, /* and nothing more is known */
    OUTCOME_LOGGED,  /* allowed, and marked by the policy */
    OUTCOME_OK,
    OUTCOME_FAILED,
    OUTCOME_TIMEOUT,
    OUTCOME_LIMIT,
    OUTCOME_REDACTED,
    OUTCOME_NOTE, /* no request: the log speaks about itself or the run */
    OUTCOME_COUNT
};

enum event_outcome event_outcome_of(const struct audit_record *record);
/* "BLOCKED", "FAIL", "ok", …; "" for a note. */
const char *event_outcome_word(enum event_outcome outcome);

struct event_words {
    struct text_buffer verb;    /* "write", "connect", "start" */
    struct text_buffer target;  /* a path, "host:port", a name; for notes their members */
    struct text_buffer target2; /* of a rename or link; empty otherwise */
    struct text_buffer process; /* "python3[4242]"; empty when unknown */
};

/* Fills all four anew; the memory is kept from one record to the next. */
void event_words_set(struct event_words *words, const struct audit_record *record);
void event_words_clear(struct event_words *words);

/* "1.5 MiB", "12 B"; "0.2 ms", "3.1 s", "4 min 10 s". */
void append_size(struct text_buffer *text, uint64_t bytes);
void append_duration(struct text_buffer *text, uint64_t ns);

#endif
