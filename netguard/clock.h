/* The time that leases, pins and deadlines are measured by: it goes on while the machine sleeps. */
#ifndef FAILCORE_NETGUARD_CLOCK_H
#define FAILCORE_NETGUARD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_now_ms(void)
{
    return clock_now_ns() / 1000000U;
}

#endif
