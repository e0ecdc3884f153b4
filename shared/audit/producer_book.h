/*
 * The next pseq of every producer of a log: how recovery knows what is already written, and how
 * the verifier sees that nothing is missing.
 *
 * Numbers are given in a row, so this is an array. At PRODUCER_BOOK_MAX producers one log is full:
 * -EFBIG. Threads: one at a time.
 */
#ifndef FAILCORE_AUDIT_PRODUCER_BOOK_H
#define FAILCORE_AUDIT_PRODUCER_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/audit/segment.h"

#define PRODUCER_BOOK_MAX (1U << 24)

struct producer_book {
    uint64_t *next_pseq; /* by producer number */
    size_t count;        /* one more than the highest number seen */
    size_t room;
    uint64_t *last_mono_ns;
    bool *is_known;
};

void producer_book_clear(struct producer_book *book);
/* 0, -EFBIG or -ENOMEM. */
int producer_book_set(struct producer_book *book, uint64_t producer, uint64_t next_pseq);
/* False: never seen. */
bool producer_book_find(const struct producer_book *book, uint64_t producer, uint64_t *ret_next);

/*
 * The ledger equation for one record: its pseq is the next one of its producer. A LEDGER record
 * must say of its producers what the book says; with `learn` the book believes it about
 * producers it has not seen (the beginning of a log was pruned). -EBADMSG and *why otherwise.
 */
int producer_book_add(struct producer_book *book, const struct segment_line *line, bool learn,
                      const char **reterr_why);

#endif
