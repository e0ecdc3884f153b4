/*
 * Who asks, and acting as them.
 *
 * In the shared profile the lower system calls that create or change something are made with the
 * caller's fsuid, fsgid, supplementary groups and umask, so that the backing file system itself
 * decides about ownership, set-id bits, sticky directories and quotas, as it does natively. In the
 * agent profile every call is made as the owner of SOURCE (caller_become_owner, once, before any
 * thread), and only the umask is the caller's.
 *
 * Threads: identities are the calling thread's own (raw system calls). A thread that cannot come
 * back from a caller's identity must not go on: caller_leave() ends the process then.
 */
#ifndef FAILCORE_FUSEFS_CALLER_H
#define FAILCORE_FUSEFS_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

struct caller {
    pid_t tid; /* 0: not in our pid namespace */
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

enum caller_groups { CALLER_GROUPS_NONE, CALLER_GROUPS_ALL };

struct acting {
    bool changed;
    bool groups_changed;
};

/*
 * From here until caller_leave() the thread acts as the caller. CALLER_GROUPS_ALL reads its
 * supplementary groups from /proc (a few microseconds); a caller that cannot be read has none.
 * -EPERM when the identity cannot be taken.
 */
int caller_enter(const struct caller *caller, enum caller_groups wanted, struct acting *ret_acting);
void caller_leave(struct acting *acting);

/* The calling thread's umask becomes the caller's, for it alone. */
int caller_use_umask(const struct caller *caller);

/* The calling thread, and those it starts, act as this owner on files for ever. */
int caller_become_owner(uid_t uid, gid_t gid);

#endif
