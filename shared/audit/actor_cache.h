/*
 * Who a process is, read from /proc once and kept: comm, exe, parent and start time.
 *
 * A pid can be reused and a process can execve: an entry older than ACTOR_FRESH_NS is held against
 * /proc/PID/stat again, and read anew when start time or comm have changed.
 *
 * Direct-mapped and of fixed size: at its cap an entry is replaced, and read again when it is
 * wanted again. Threads: one cache belongs to one thread at a time.
 */
#ifndef FAILCORE_AUDIT_ACTOR_CACHE_H
#define FAILCORE_AUDIT_ACTOR_CACHE_H

#include <stdint.h>
#include <sys/types.h>

#include "shared/base/str_view.h"

#define ACTOR_CACHE_ENTRIES 256U
#define ACTOR_FRESH_NS      100000000U
#define ACTOR_EXE_MAX       512

struct actor_identity {
    pid_t key; /* the pid or tid that was asked for; 0: empty entry */
    pid_t pid; /* thread group */
    pid_t ppid;
    uint64_t start; /* field 22 of /proc/PID/stat, in clock ticks */
    uint64_t checked_ns;
    uint16_t comm_length;
    uint16_t exe_length;
    char comm[64];
    char exe[ACTOR_EXE_MAX];
};

struct actor_cache {
    struct actor_identity entries[ACTOR_CACHE_ENTRIES];
};

/*
 * The identity of `pid`, or of the thread group of `tid` when pid is 0. `proc` is a descriptor of
 * /proc, `now_ns` CLOCK_MONOTONIC. Never NULL: of a process that cannot be read only the number is
 * known, the texts are empty. Borrowed until the next call.
 */
const struct actor_identity *actor_cache_find(struct actor_cache *cache, int proc, pid_t pid,
                                              pid_t tid, uint64_t now_ns);

/* Its program is about to be another one, or has just become one. */
void actor_cache_forget(struct actor_cache *cache, pid_t pid);

#endif
