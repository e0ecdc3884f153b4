/*
 * What the threads that answer requests give up before the first one comes.
 *
 * Capabilities: those of the profile stay (acting as the caller needs most of the file ones in the
 * shared profile), everything else goes, from the bounding set too. System calls: only those of
 * server_syscalls.h. No new privileges.
 *
 * Landlock is left out on purpose: a thread in a Landlock domain may not read /proc/PID/exe of a
 * process outside it, and every record would lose who asked.
 *
 * The main thread keeps what unmounting and loading a new policy need; it never touches a request.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_FUSEFS_SERVER_CONFINEMENT_H
#define FAILCORE_FUSEFS_SERVER_CONFINEMENT_H

#include <stdbool.h>

struct server_confinement {
    bool act_as_callers; /* the shared profile */
    bool passthrough;    /* CAP_SYS_ADMIN stays, for the one ioctl */
    bool owner_is_root;  /* the agent profile of a tree that belongs to root */
};

/* For the calling thread and those it starts. */
int server_confine(const struct server_confinement *confinement);

#endif
