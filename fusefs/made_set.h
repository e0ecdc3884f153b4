/*
 * The objects that were made through this mount since it began to serve: taking those away again is
 * no loss to anybody (breaker.h counts what was there before).
 *
 * An object is its device, inode number and birth time, so that a number that is used again is
 * another object. A file system that tells no birth time makes that weaker: an object that the host
 * made meanwhile under the number of one that the host removed counts as made here.
 *
 * Bounded: past MADE_SET_MAX a new object is not remembered and counts as if it had been there
 * before. Threads: any; one lock, held for a few reads of memory.
 */
#ifndef FAILCORE_FUSEFS_MADE_SET_H
#define FAILCORE_FUSEFS_MADE_SET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fusefs/node_table.h"

#define MADE_SET_MAX (2U << 20)

struct made_set {
    pthread_mutex_t lock;
    uint64_t seed;
    uint64_t *places; /* hashes; 0: free */
    uint32_t room;    /* a power of two, or 0 */
    uint32_t count;
};

void made_set_init(struct made_set *set);
void made_set_clear(struct made_set *set);

void made_set_add(struct made_set *set, const struct node_identity *identity);
bool made_set_has(struct made_set *set, const struct node_identity *identity);
void made_set_remove(struct made_set *set, const struct node_identity *identity);

#endif
