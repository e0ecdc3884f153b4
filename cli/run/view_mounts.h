/*
 * What is mounted over the names of a run's root: copies of the machine's directories and files,
 * the files that the launcher writes, and file systems of the run's own. All of it is made while
 * nobody serves the root yet, detached, and waits here for its place.
 *
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_VIEW_MOUNTS_H
#define FAILCORE_CLI_RUN_VIEW_MOUNTS_H

#include "cli/run/plan.h"
#include "shared/base/failure.h"
#include "shared/confine/view_tree.h"

#define VIEW_MOUNTS_MAX 256

struct view_mounts {
    struct {
        int mount;
        char *path; /* without a slash in front */
    } items[VIEW_MOUNTS_MAX];
    size_t count;
    int cover; /* an empty file that nobody may read or execute; -1: none is needed */
};

#define VIEW_MOUNTS_NONE ((struct view_mounts){.cover = -1})

/*
 * For a moment a file system of ours lies on the root of this process's mounts, so nothing else may
 * lie there yet. `resolver` is the address that answers DNS, "" for none. What was made before an
 * error is in *mounts.
 */
int view_mounts_make(const struct run_plan *plan, const struct view_tree *names,
                     const char *resolver, struct view_mounts *mounts, struct failure *reterr);
/* In their order, below `root`. */
int view_mounts_attach(const struct view_mounts *mounts, const struct run_plan *plan, int root,
                       struct failure *reterr);
void view_mounts_clear(struct view_mounts *mounts);

/* A copy of what is at `source` below `directory` ("" is that itself), restricted and detached. */
int view_mounts_copy(int directory, const char *source, uint64_t attributes);

#endif
