/*
 * Memory that is released all at once: what a policy's texts and tables live in.
 *
 * Ownership: the arena owns what it gives; release all with arena_clear(), or AUTO(arena_clear).
 * Threads: one at a time while it grows; what it gave may be read by any.
 */
#ifndef FAILCORE_POLICY_ARENA_H
#define FAILCORE_POLICY_ARENA_H

#include <stddef.h>

#include "shared/base/str_view.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t total;               /* bytes asked of malloc */
};

/* Zeroed and aligned for any object; NULL when memory is short. */
void *arena_alloc(struct arena *arena, size_t size);
/* `count` members of `size` bytes; NULL on overflow too. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it; the absent text when memory is short (and for an absent text). */
struct str_view arena_copy(struct arena *arena, struct str_view text);
/* Room for at least one more member in a growing array: the old array, or a larger copy. */
void *arena_grow(struct arena *arena, void *members, size_t count, size_t *capacity, size_t size);
void arena_clear(struct arena *arena);

#endif
