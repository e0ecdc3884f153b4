/*
 * The command line of failcore-mount (CONTRACT: "Programs"; docs/ARCHITECTURE.md: "Between our
 * programs" for the internal options).
 *
 * Ownership: words point into argv.
 */
#ifndef FAILCORE_FUSEFS_MOUNT_OPTIONS_H
#define FAILCORE_FUSEFS_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/failure.h"
#include "shared/base/option_table.h"

#define MOUNT_POLICIES_MAX 64

enum mount_action {
    MOUNT_SERVE = 0,
    MOUNT_UNMOUNT,
    MOUNT_RELOAD,
    MOUNT_RESUME,
    MOUNT_PREPARE, /* for a service: mount, and give the device to the service manager */
    MOUNT_HELP,
    MOUNT_VERSION
};

struct mount_options {
    enum mount_action action;
    const char *source;
    const char *mountpoint; /* NULL with session_fd */
    const char *policies[MOUNT_POLICIES_MAX];
    size_t policy_count;
    const char *audit;
    const char *run;
    const char *shown_at; /* where the run sees the workspace, when the host has nothing there */
    bool foreground;
    bool strict;
    bool passthrough;
    bool shared;         /* --profile shared */
    bool profile_set;    /* --profile was given */
    bool attributes;     /* -o xattr */
    bool lazily;         /* -o lazy with --unmount */
    bool stored;         /* the service manager has the session: MOUNT_PREPARE gave it */
    bool host_namespace; /* mounts are made and undone where process 1 sees them */
    const char
        *watched;   /* with `stored`: the mountpoint, looked at to see that requests are served */
    int session_fd; /* -1: none; likewise below */
    int source_fd;  /* the source itself, O_PATH; `source` is then its name in messages */
    int policy_fd;
    int ready_fd;
    int supervisor_fd;
    int breaker_fd; /* the run's breaker board, and what wakes the supervisor */
    int breaker_alarm_fd;
    bool owner_is_shown;
    uid_t shown_uid;
    gid_t shown_gid;
};

const struct command_table *mount_command(void);

/* -EINVAL with reterr filled: usage. */
int mount_options_parse(int argc, char **argv, struct mount_options *ret_options,
                        struct failure *reterr);

#endif
