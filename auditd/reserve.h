/*
 * Room that is kept for a full disk: with it everything that was promised is still written and
 * signed, while what comes is refused until the room can be kept again.
 *
 * A file system too small for it (RESERVE_SMALLEST) has none. Threads: one.
 */
#ifndef FAILCORE_AUDITD_RESERVE_H
#define FAILCORE_AUDITD_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#define RESERVE_NAME     "reserve"
#define RESERVE_BYTES    (8ULL << 20)
#define RESERVE_SMALLEST (16 * RESERVE_BYTES)

struct reserve {
    int directory; /* borrowed */
    bool wanted;
    bool held;
};

/* {directory} at first. 0: it is held, or not wanted; -ENOSPC and the like: no room for it. */
int reserve_hold(struct reserve *reserve);
/* Gives its room to who writes next. False: there was none. Also at the end. */
bool reserve_spend(struct reserve *reserve);

#endif
