/*
 * The time that durations and deadlines are measured by (CLOCK_MONOTONIC): nobody sets it, it
 * stands while the machine sleeps.
 */
#ifndef FAILCORE_BASE_MONOTONIC_H
#define FAILCORE_BASE_MONOTONIC_H

#include <stdint.h>
#include <time.h>

static inline uint64_t monotonic_ns(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ms(void)
{
    return monotonic_ns() / 1000000U;
}

#endif
