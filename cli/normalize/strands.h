/*
 * The rows of a run, thread by thread: a text that is the same whenever the same is done.
 *
 * Each thread's rows are in the order in which it did them. Threads and processes run beside one
 * another, and the log says in which order their records came to be written, which is another one
 * each time: here they are in the order of their rows' text.
 *
 * Ownership: release with strands_clear().
 */
#ifndef FAILCORE_CLI_NORMALIZE_STRANDS_H
#define FAILCORE_CLI_NORMALIZE_STRANDS_H

#include "cli/log/outcomes.h"
#include "cli/log/tally.h"

/* Bytes of `text`. */
struct strand_text {
    size_t start;
    size_t length;
};

struct strand_row {
    uint64_t process; /* its place in `processes` */
    uint64_t thread;  /* and in `threads` */
    uint64_t mono_ns;
    uint64_t seq;
    struct strand_text row;
    struct strand_text program; /* as the record has it; see strands.c */
    struct strand_text exec;    /* the program that it begins; empty for other rows */
    bool is_folded;
};

struct strands {
    struct tally processes; /* numbers[0]: place + 1; likewise below */
    struct tally threads;
    struct strand_row *rows;
    size_t count;
    size_t capacity;
    struct text_buffer text;
};

/* A record without a row is passed over. `outcomes` are settled and of the whole run. -ENOMEM. */
int strands_add(struct strands *strands, const struct audit_record *record,
                const struct outcomes *outcomes);

/* One JSON object a line, `step` counting from 1 within a thread. Moves the rows. -ENOMEM. */
int strands_append(struct strands *strands, struct text_buffer *text);

void strands_clear(struct strands *strands);

#endif
