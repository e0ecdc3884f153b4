/*
 * How many there were within the last so many milliseconds.
 *
 * The time is cut into slices, 64 to a window; one slice more is kept, so that the oldest counts as
 * long as any moment of it lies within the window. So never more than the limit fits into any time
 * of the window's length; an event is forgotten up to a 64th of the window later than it could be.
 *
 * A window lies in memory that processes share. Threads and processes: any number may add at once,
 * without a lock: each adds first and looks then, so that of two that come together at the limit at
 * most one sees room.
 * Times are CLOCK_MONOTONIC milliseconds of the caller; one that lies before the newest slices (a
 * thread that was late) counts in its own slice if that is there still, else in the newest of its
 * place.
 */
#ifndef FAILCORE_BREAKER_BREAKER_WINDOW_H
#define FAILCORE_BREAKER_BREAKER_WINDOW_H

#include <stdatomic.h>
#include <stdint.h>

#define BREAKER_SLICES 64U

struct breaker_window {
    _Atomic uint64_t within_ms; /* the same for all who count */
    /* The slice's number in the upper 24 bits, the count in the lower 40. */
    _Atomic uint64_t slices[BREAKER_SLICES + 1];
};

#define BREAKER_COUNT_MAX ((UINT64_C(1) << 40) - 1) /* of one slice; there it stays */

/* Adds `count` and returns how many there are now within the window. */
uint64_t breaker_window_add(struct breaker_window *window, uint64_t now_ms, uint64_t count);
/* What was added at `then_ms` did not happen. */
void breaker_window_take_back(struct breaker_window *window, uint64_t then_ms, uint64_t count);
uint64_t breaker_window_total(const struct breaker_window *window, uint64_t now_ms);
void breaker_window_reset(struct breaker_window *window);

#endif
