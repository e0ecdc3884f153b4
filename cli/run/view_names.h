/*
 * Every name that a run sees outside its workspace and its own writable trees: those of the tables
 * (view_tables.h) that this machine has, and the places that the policy and the options add.
 * failcore-mount serves them as the run's root; view.h mounts over them what there is to read.
 *
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_VIEW_NAMES_H
#define FAILCORE_CLI_RUN_VIEW_NAMES_H

#include "cli/run/plan.h"
#include "shared/base/failure.h"
#include "shared/confine/view_tree.h"

/* The caller owns the tree. */
int view_names_collect(const struct run_plan *plan, struct view_tree *ret_tree,
                       struct failure *reterr);

#endif
