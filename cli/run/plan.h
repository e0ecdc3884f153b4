/*
 * Everything about a run that is decided before anything is made: `failcore run --plan` prints it,
 * the processes of the run obey it.
 *
 * Ownership: run_plan_clear() releases it. The texts live as long as the plan.
 */
#ifndef FAILCORE_CLI_RUN_PLAN_H
#define FAILCORE_CLI_RUN_PLAN_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "cli/run/executables.h"
#include "cli/run/extra_binds.h"
#include "cli/run/identity.h"
#include "cli/run/limits.h"
#include "cli/run/options.h"
#include "shared/audit/run_id.h"
#include "shared/base/failure.h"
#include "shared/policy/policy.h"

struct run_plan {
    char id[RUN_ID_SIZE];
    const struct run_options *options; /* borrowed */
    struct policy *policy;
    bool policy_invalid;          /* that is why there is no plan */
    struct run_settings settings; /* of the policy */
    bool guard;                   /* there is a network, and it has a guard */
    const char *uplink;           /* of the guard; NULL: its default */
    struct run_limits limits;
    struct executables executables; /* covered by process rules */
    struct extra_binds binds;       /* of the sandbox section */
    char workspace[PATH_MAX];       /* without links; for messages and for where it is shown */
    int workspace_fd;               /* O_PATH; what is checked and what is served: never the path */
    char workspace_handle[32];      /* "/proc/self/fd/N" of it, for what wants a path */
    char mount_path[PATH_MAX];      /* where the run sees it */
    char home[PATH_MAX];            /* private and empty inside the run */
    char caller_home[PATH_MAX];     /* "" when unknown */
    struct identity identity;
    char **arguments;   /* of the command, copied: the originals are wiped in the run */
    char **environment; /* of the command */
    mode_t umask;
    int runtime; /* the run-time directory */
};

/* First of all: the workspace, which must be one to give away, the policy, and whether there is a
 * network. What was found is the plan's, also on failure. */
int run_plan_read(const struct run_options *options, const char *id, struct run_plan *plan,
                  struct failure *reterr);
/* Then all that is left. */
int run_plan_complete(struct run_plan *plan, struct failure *reterr);
void run_plan_clear(struct run_plan *plan);

/* "none", "default" or the uplink as the user typed it. */
const char *run_plan_network(const struct run_plan *plan);

/* The plan for people, or as one JSON object. */
int run_plan_print(FILE *stream, const struct run_plan *plan, bool json);

#endif
