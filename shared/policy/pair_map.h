/*
 * Maps from a pair of small numbers to a number.
 *
 * pair_map grows and belongs to one thread until it is built; then any may read it.
 * pair_cache has a fixed size; any thread reads it without a lock while one, under its owner's
 * lock, adds. An entry is one 64-bit word, so that a reader sees all of it or nothing. What does
 * not fit is simply not kept: the owner computes it again.
 */
#ifndef FAILCORE_POLICY_PAIR_MAP_H
#define FAILCORE_POLICY_PAIR_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"

static inline uint64_t hash_mix(uint64_t value)
{
    /* The finaliser of splitmix64: every input bit reaches every output bit. */
    value ^= value >> 30;
    value *= UINT64_C(0xBF58476D1CE4E5B9);
    value ^= value >> 27;
    value *= UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

struct pair_entry {
    uint64_t key;
    uint32_t value;
    bool used;
};

struct pair_map {
    struct pair_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

static inline uint64_t pair_key(uint32_t a, uint32_t b)
{
    return (uint64_t)a << 32 | b;
}

bool pair_map_find(const struct pair_map *map, uint64_t key, uint32_t *ret_value);
/* Adds or replaces. -ENOMEM. */
int pair_map_set(struct pair_map *map, uint64_t key, uint32_t value);
void pair_map_clear(struct pair_map *map);

/* Text to number, for what is interned while a policy is built; the texts are borrowed. */
struct text_entry {
    struct str_view text;
    uint32_t value;
};

struct text_map {
    struct text_entry *entries;
    size_t capacity;
    size_t count;
};

bool text_map_find(const struct text_map *map, struct str_view text, uint32_t *ret_value);
int text_map_add(struct text_map *map, struct str_view text, uint32_t value);
void text_map_clear(struct text_map *map);

#define PAIR_CACHE_A_BITS     24
#define PAIR_CACHE_B_BITS     20
#define PAIR_CACHE_VALUE_BITS 19

struct pair_cache {
    _Atomic uint64_t *entries; /* 0: free */
    size_t capacity;           /* a power of two */
    size_t count;              /* under the owner's lock */
};

int pair_cache_init(struct pair_cache *cache, size_t capacity);
void pair_cache_clear(struct pair_cache *cache);
/* Lock-free. */
bool pair_cache_find(const struct pair_cache *cache, uint32_t a, uint32_t b, uint32_t *ret_value);
/* Under the owner's lock. False when there is no room for it. */
bool pair_cache_add(struct pair_cache *cache, uint32_t a, uint32_t b, uint32_t value);

#endif
