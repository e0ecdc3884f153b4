/*
 * Names that were removed a moment ago and counted as deletes: who makes the name again has
 * replaced a file, not taken one away, and the delete becomes an overwrite. (git's checkout,
 * package managers and editors work so.)
 *
 * Bounded: the last REMOVED_NAMES of them, more or less; what is forgotten stays a delete.
 * Threads: any; one lock.
 */
#ifndef FAILCORE_FUSEFS_REMOVED_NAMES_H
#define FAILCORE_FUSEFS_REMOVED_NAMES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/breaker/breaker.h"

#define REMOVED_NAMES 1024U

struct removed_name {
    uint64_t key; /* 0: none */
    struct breaker_charge charge;
};

struct removed_names {
    pthread_mutex_t lock;
    struct removed_name names[REMOVED_NAMES];
};

void removed_names_init(struct removed_names *names);

/* `directory` is its node's number. */
void removed_names_add(struct removed_names *names, uint64_t directory, struct str_view name,
                       const struct breaker_charge *charge);
bool removed_names_has(struct removed_names *names, uint64_t directory, struct str_view name);
/* Takes it out. False: it was not there (any more). */
bool removed_names_take(struct removed_names *names, uint64_t directory, struct str_view name,
                        struct breaker_charge *ret_charge);

#endif
