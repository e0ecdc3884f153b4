/*
 * Numbers by name: how much there was of each host, directory, file or rule. The user says what
 * each number means.
 *
 * Ownership: release with tally_clear(). Keys are copied: bytes, maybe with NUL, never shown as
 * they are.
 */
#ifndef FAILCORE_CLI_LOG_TALLY_H
#define FAILCORE_CLI_LOG_TALLY_H

#include <stdint.h>

#include "shared/base/str_view.h"

#define TALLY_NUMBERS 12

struct tally_row {
    struct str_view key;
    uint64_t numbers[TALLY_NUMBERS];
    uint64_t first_seq; /* set by the user; UINT64_MAX in a new row */
    uint64_t last_seq;
};

struct tally {
    struct tally_row **rows; /* in the order of their first appearance, until sorted */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* hash of the key to its place + 1; stale after tally_sort() */
    size_t slot_count;
};

/* The row of the key, all numbers zero when it is new. NULL: no memory. */
struct tally_row *tally_at(struct tally *tally, struct str_view key);

/* By one number, the largest first, equal ones by key. No tally_at() afterwards. */
void tally_sort(struct tally *tally, unsigned int number);
/* By key. No tally_at() afterwards. */
void tally_sort_keys(struct tally *tally);

void tally_clear(struct tally *tally);

#endif
