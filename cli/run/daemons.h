/*
 * The programs that a run is made of besides the command: failcore-netguard and failcore-mount,
 * started with the internal options of docs/ARCHITECTURE.md, each behind a handle.
 *
 * Errors: negative errno, with *reterr filled, from the daemon's own words where it gave any.
 */
#ifndef FAILCORE_CLI_RUN_DAEMONS_H
#define FAILCORE_CLI_RUN_DAEMONS_H

#include "cli/run/plan.h"
#include "shared/base/failure.h"

#define GUARD_RESOLVER_SIZE 48

struct daemon {
    const char *name; /* NULL: not started */
    int handle;
};

/*
 * Both programs, loaded and waiting for what they are to do (shared/base/late_arguments.h). So
 * their loaders work while the plan is made: that is a tenth of the start of a run.
 */
struct waiting_daemon {
    struct daemon daemon;
    int arguments; /* the socket it listens on */
};

struct waiting_daemons {
    struct waiting_daemon guard;
    struct waiting_daemon mount;
};

#define WAITING_DAEMON_NONE                                                                        \
    {                                                                                              \
        .daemon = {.handle = -1}, .arguments = -1                                                  \
    }
#define WAITING_DAEMONS_NONE                                                                       \
    (struct waiting_daemons)                                                                       \
    {                                                                                              \
        .guard = WAITING_DAEMON_NONE, .mount = WAITING_DAEMON_NONE                                 \
    }

/* The run's id is on their command lines: whose they are is to be seen. */
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

/* SIGTERM, without waiting. */
void daemon_ask(const struct daemon *daemon);
/* Asks it to leave and waits until it has recorded all it knows, which the end of `said` says (the
 * guard's socket, the server's pipe); what the kernel takes apart after that nobody waits for.
 * Killed when it does not say so within `timeout_ms`. */
void daemon_leave(struct daemon *daemon, int *said, int timeout_ms);
/* At once. -ETIMEDOUT: it has not ended by then, since it waits in the kernel for what no signal
 * ends (a disk that answers nobody), and nobody waits for it. */
int daemon_kill(struct daemon *daemon, int timeout_ms);

/* The three lines of another program's error. Texts that are none become `what` as they are. */
void failure_parse(struct failure *failure, const char *program, const char *text);

#endif
