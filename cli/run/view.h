/*
 * What the run sees: a private root on a small read-only tmpfs, with the machine's system
 * directories bound read-only, the workspace's FUSE mount, and a /tmp, /dev, /proc and home of its
 * own. Built by the process that owns the run's user and mount namespaces.
 *
 * view_build() does all but /proc, which has to be made by a process of the new pid namespace;
 * view_enter() is that process's part and leaves the old root behind.
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_VIEW_H
#define FAILCORE_CLI_RUN_VIEW_H

#include "cli/run/plan.h"
#include "shared/base/failure.h"

#define VIEW_RESOLVER_SIZE 48

/*
 * `fuse_fd` was opened in the run's user namespace; the mount of the workspace is attached to it.
 * Nothing is looked up below that mount: nobody serves it yet. `resolver` is the address that
 * answers DNS, "" for none. The caller owns *ret_root.
 */
int view_build(const struct run_plan *plan, const char *resolver, int fuse_fd, int *ret_root,
               struct failure *reterr);

/* `nested`: /proc is left whole, since the kernel gives a nested sandbox a /proc of its own only
 * where it sees a whole one. */
int view_enter(int root, bool nested, struct failure *reterr);

/* Whether an absolute path may carry the workspace; says why not. */
int view_check_mount_path(const char *path, struct failure *reterr);

/*
 * A workspace that the system directories show as well could be read there, past the policy; only
 * where its own mount covers it can it not. Says why not.
 */
int view_check_workspace(const struct run_plan *plan, struct failure *reterr);

/* The system directories, for --plan: NULL-terminated. */
extern const char *const view_system_directories[];

#endif
