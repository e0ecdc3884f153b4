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

struct daemon {
    const char *name; /* NULL: not started */
    int handle;
};

struct daemon_context {
    const struct run_plan *plan;
    const char *audit_directory;
    int policy_fd;     /* the resolved policy, sealed */
    int supervisor_fd; /* readable when the supervisor is gone */
};

/* Returns how many descriptors came: the agent's network namespace, and maybe its owner. */
int guard_start(const struct daemon_context *context, struct daemon *ret_guard,
                int ret_namespaces[static 2], struct failure *reterr);

/* Takes `session_fd`: after this the server is its only holder. Returns before it serves. */
int mount_start(const struct daemon_context *context, int *session_fd, struct daemon *ret_mount,
                int *ret_ready_fd, struct failure *reterr);
/* Waits until it serves; closes `ready_fd`. */
int mount_wait(const struct daemon *mount, int *ready_fd, struct failure *reterr);

/* SIGTERM, without waiting. */
void daemon_ask(const struct daemon *daemon);
/* Asks it to leave, and kills it when it does not within `timeout_ms`. Reaps it. */
void daemon_stop(struct daemon *daemon, int timeout_ms);
void daemon_kill(struct daemon *daemon);

/* The three lines of another program's error. Texts that are none become `what` as they are. */
void failure_parse(struct failure *failure, const char *program, const char *text);

#endif
