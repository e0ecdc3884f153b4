/*
 * What the run sees: a root of names alone, served by failcore-mount (view_names.h), so that a look
 * at anything else leaves a record; over its names the machine's system directories, read-only, the
 * workspace's FUSE mount, and a /tmp, /dev, /proc and home of its own. Built by the process that
 * owns the run's user and mount namespaces, in this order:
 *
 *     view_open()     makes the two mounts that are served; nothing is looked up in them yet
 *                     their devices go to the server, and no copy stays here (SR5)
 *     view_build()    waits until it serves, then mounts all but /proc
 *     view_enter()    /proc, which a process of the new pid namespace has to make, and leaves the
 *                     old root behind
 *
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_VIEW_H
#define FAILCORE_CLI_RUN_VIEW_H

#include "cli/run/plan.h"
#include "shared/base/failure.h"
#include "shared/confine/view_tree.h"

#define VIEW_RESOLVER_SIZE 48

struct view {
    int root;
    int workspace; /* not attached yet */
};

/* The devices were opened in the run's user namespace. The caller owns the view. */
int view_open(const struct run_plan *plan, int workspace_device, int root_device,
              struct view *ret_view, struct failure *reterr);
void view_close(struct view *view);

/* `resolver` is the address that answers DNS, "" for none. */
int view_build(const struct run_plan *plan, const struct view_tree *names, const char *resolver,
               const struct view *view, struct failure *reterr);

/* `nested`: /proc is left whole, since the kernel gives a nested sandbox a /proc of its own only
 * where it sees a whole one. */
int view_enter(int root, bool nested, struct failure *reterr);

/* Whether an absolute path may carry the workspace; says why not. */
int view_check_mount_path(const char *path, struct failure *reterr);
/* Below /sys: nothing of it is there unless a policy asks for a part of it, to read. */
bool view_is_machine_state(const char *path);

/*
 * A workspace that the system directories show as well could be read there, past the policy; only
 * where its own mount covers it can it not. Says why not.
 */
int view_check_workspace(const struct run_plan *plan, struct failure *reterr);

/* The system directories, for --plan: NULL-terminated. */
extern const char *const view_system_directories[];

#endif
