/*
 * What the two programs that a run is made of besides the command, failcore-netguard and
 * failcore-mount, are told and say: the internal options of docs/ARCHITECTURE.md.
 *
 * Errors: negative errno, with *reterr filled, from the daemon's own words where it gave any.
 */
#ifndef FAILCORE_CLI_RUN_DAEMONS_H
#define FAILCORE_CLI_RUN_DAEMONS_H

#include "cli/run/daemon.h"
#include "cli/run/plan.h"
#include "shared/base/failure.h"

#define GUARD_RESOLVER_SIZE 48

struct waiting_daemons {
    struct waiting_daemon guard;
    struct waiting_daemon mount;
};

#define WAITING_DAEMONS_NONE                                                                       \
    (struct waiting_daemons)                                                                       \
    {                                                                                              \
        .guard = WAITING_DAEMON_NONE, .mount = WAITING_DAEMON_NONE                                 \
    }

int guard_call(const char *run, struct waiting_daemons *waiting, struct failure *reterr);
int mount_call(const char *run, struct waiting_daemons *waiting, struct failure *reterr);
/* Those that have not been told what to do end. */
void daemons_dismiss(struct waiting_daemons *waiting);

struct daemon_context {
    const struct run_plan *plan;
    struct waiting_daemons *waiting; /* those that are started are taken out of it */
    const char *audit_directory;
    int policy_fd;     /* the resolved policy, sealed */
    int supervisor_fd; /* readable when the supervisor is gone */
    int breaker_fd;    /* the run's breaker board; -1: there is no breaker */
    int breaker_alarm_fd;
};

/* They tell the waiting ones, and return at once; what those are waited for comes over the socket
 * and the pipe. */
int guard_start(const struct daemon_context *context, struct daemon *ret_guard, int *ret_socket,
                struct failure *reterr);
int mount_start(const struct daemon_context *context, struct daemon *ret_mount, int *ret_socket,
                int *ret_ready_fd, struct failure *reterr);

/* Namespaces that are closed and not connected yet. */
struct guard_namespaces {
    int fds[2]; /* the agent's network, and maybe the user namespace that owns it */
    size_t count;
    char resolver[GUARD_RESOLVER_SIZE]; /* address as text */
};
int guard_receive_namespaces(const struct daemon *guard, int socket,
                             struct guard_namespaces *ret_namespaces, struct failure *reterr);
/* Until rules and links are there. */
int guard_wait(const struct daemon *guard, int socket, struct failure *reterr);

#define MOUNT_SERVED 3 /* the workspace's device, that of the run's root, the names in that */

/* Gives the server the mounts: closes the descriptors and the socket, so that it is the only
 * holder. */
int mount_hand_over(const struct daemon *mount, int *socket, int served[static MOUNT_SERVED],
                    struct failure *reterr);
/* Until it serves. */
int mount_wait(const struct daemon *mount, int ready, struct failure *reterr);

#endif
