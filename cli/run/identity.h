/*
 * Who the workload is: to the kernel outside, in the run's own user namespace, and to itself.
 *
 * Started by root, the run gets two user ids that nobody on the machine has: one for its first
 * process (ours), one for the workload, so that neither is root to the kernel, neither owns
 * anything, and the workload may not even signal the first process. Started by an ordinary user,
 * that user's own id is the only one there is, and it keeps its number inside.
 */
#ifndef FAILCORE_CLI_RUN_IDENTITY_H
#define FAILCORE_CLI_RUN_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/failure.h"

struct identity {
    bool separate;           /* two ids of its own; false: the caller's */
    uint32_t keeper_outside; /* first process; with `separate` only */
    uint32_t worker_outside;
    uid_t keeper_uid; /* inside the run's user namespace */
    gid_t keeper_gid;
    uid_t worker_uid; /* inside both of the run's user namespaces */
    gid_t worker_gid;
    char user_name[64];
    int runtime;  /* borrowed */
    int claim_fd; /* holds the ids for this run; -1 without */
};

#define IDENTITY_AGENT_UID 1000

/* `runtime` is the run-time directory. Release with identity_release(). */
int identity_choose(int runtime, struct identity *ret_identity, struct failure *reterr);
void identity_release(struct identity *identity);

/* Writes the maps of the run's user namespace: by the supervisor for `pid` when the ids are
 * separate, else by the process itself (pid 0) right after it made the namespace; then
 * `own_uid` and `own_gid` are what it was before. */
int identity_write_maps(const struct identity *identity, pid_t pid, uid_t own_uid, gid_t own_gid);

/* The further namespace of the workload: its one id maps to itself. */
int identity_write_worker_maps(const struct identity *identity);

#endif
