#include "shared/breaker/breaker_window.h"

#include <stdbool.h>

#define PLACES     (BREAKER_SLICES + 1)
#define COUNT_BITS 40
#define TAG_MASK   ((UINT64_C(1) << 24) - 1)

static uint64_t slice_of(const struct breaker_window *window, uint64_t ms)
{
    uint64_t within_ms = atomic_load_explicit(&window->within_ms, memory_order_relaxed);
    uint64_t length_ms = (within_ms + BREAKER_SLICES - 1) / BREAKER_SLICES;

    return ms / (length_ms == 0 ? 1 : length_ms);
}

static uint64_t tag_of(uint64_t word)
{
    return word >> COUNT_BITS;
}

static uint64_t count_of(uint64_t word)
{
    return word & BREAKER_COUNT_MAX;
}

static uint64_t word_of(uint64_t slice, uint64_t count)
{
    return (slice & TAG_MASK) << COUNT_BITS |
           (count > BREAKER_COUNT_MAX ? BREAKER_COUNT_MAX : count);
}

/* How long ago the place's slice was, in slices: numbers go round after 2^24. */
static uint64_t age_of(uint64_t word, uint64_t slice)
{
    return (slice - tag_of(word)) & TAG_MASK;
}

/* A place that is a little ahead of a late caller's clock looks very old; it is not. */
static bool is_ahead(uint64_t word, uint64_t age)
{
    return count_of(word) > 0 && age > TAG_MASK - PLACES;
}

uint64_t breaker_window_total(const struct breaker_window *window, uint64_t now_ms)
{
    uint64_t slice = slice_of(window, now_ms);
    uint64_t total = 0;

    for (unsigned int i = 0; i < PLACES; i++) {
        uint64_t word = atomic_load(&window->slices[i]);
        uint64_t age = age_of(word, slice);

        if (age <= BREAKER_SLICES || is_ahead(word, age)) {
            total += count_of(word);
        }
    }
    return total;
}

uint64_t breaker_window_add(struct breaker_window *window, uint64_t now_ms, uint64_t count)
{
    uint64_t slice = slice_of(window, now_ms);
    _Atomic uint64_t *place = &window->slices[slice % PLACES];
    uint64_t seen = atomic_load(place);
    uint64_t wanted;

    if (count > BREAKER_COUNT_MAX) {
        count = BREAKER_COUNT_MAX;
    }
    do {
        uint64_t age = age_of(seen, slice);

        wanted = age == 0 || is_ahead(seen, age)
                     ? (seen & ~BREAKER_COUNT_MAX) | count_of(word_of(0, count_of(seen) + count))
                     : word_of(slice, count);
    } while (!atomic_compare_exchange_weak(place, &seen, wanted));
    return breaker_window_total(window, now_ms);
}

void breaker_window_take_back(struct breaker_window *window, uint64_t then_ms, uint64_t count)
{
    uint64_t slice = slice_of(window, then_ms);
    _Atomic uint64_t *place = &window->slices[slice % PLACES];
    uint64_t seen = atomic_load(place);

    while (age_of(seen, slice) == 0 && count_of(seen) >= count &&
           !atomic_compare_exchange_weak(place, &seen, seen - count)) {
    }
}

void breaker_window_reset(struct breaker_window *window)
{
    for (unsigned int i = 0; i < PLACES; i++) {
        atomic_store(&window->slices[i], 0);
    }
}
