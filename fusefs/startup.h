/*
 * From a command line to a mount that serves, in stages; each needs less than the one before:
 *
 *     policy      loaded, and refused whole if this program cannot obey it
 *     source      opened; from here on it is a descriptor
 *     overlaps    nothing of ours lies where the workload writes, nor the reverse (SR9)
 *     audit       attached: what cannot be recorded is not served
 *     mount       made, or taken over from who made it (SR5)
 *     owner       the agent profile acts as the owner of SOURCE from here on (SR1)
 *
 * Errors: an enum exit_code and a failure for a person.
 */
#ifndef FAILCORE_FUSEFS_STARTUP_H
#define FAILCORE_FUSEFS_STARTUP_H

#include "fusefs/mount_options.h"
#include "fusefs/server.h"
#include "fusefs/tree.h"
#include "shared/base/exit_codes.h"

struct startup {
    struct mount_options options;
    struct policy *policy;
    struct audit_producer *audit;
    struct tree tree;
    struct server server;
    int source;     /* -1 once the tree has it */
    int mountpoint; /* O_PATH of the directory under the mount; -1: not ours to look after */
    char mountpoint_path[4096];
    bool guarded;
    struct timespec guarded_since;
    bool mounted;
    bool gone; /* unmounted: what may be mounted there now is somebody else's */
    bool tree_ready;
    int control; /* listening socket; -1: none */
    int view;    /* the device of the run's root, and the names in it; -1: none */
    int view_names;
    int watch; /* who ends us when we are stopped (server_watch.h); -1: somebody else does */
    char control_path[128];
    ino_t control_inode; /* the next mount may have our number, and its socket our path */
};

/* EXIT_CODE_OK when the server answers requests. */
enum exit_code startup_run(struct startup *startup, const struct mount_options *options,
                           struct failure *reterr);
/*
 * The stages up to the mount, for a server that will be another process, of the user who owns
 * SOURCE: nobody but that user can use the mount. The device is the caller's. What a server that
 * died has left at the mountpoint is unmounted first.
 */
enum exit_code startup_mount_only(struct startup *startup, const struct mount_options *options,
                                  int *ret_device, struct failure *reterr);
/*
 * Loads the policy again and puts it in force, or leaves everything as it is. On success *ret_late
 * is how many open files escape it until they are closed (server_revoke).
 */
enum exit_code startup_reload(struct startup *startup, unsigned int *ret_late,
                              struct failure *reterr);
/* What startup_run mounted is still there; once it is not, it never is again. */
bool startup_is_mounted(struct startup *startup);
/* Unmounts what startup_run mounted and gives the directory its mode back. */
void startup_unmount(struct startup *startup);
/* The same, and releases everything. Blocks while anybody keeps the connection alive. */
void startup_end(struct startup *startup);

#endif
