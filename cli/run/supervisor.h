/*
 * The process that people started: it makes the parts of the run in the right order, watches them
 * all, and takes everything down when one of them ends.
 *
 * Order of death (SR4): the mount's server first, then the run's first process, whose end takes the
 * pid namespace with it; a caller that waits for the server could not be killed the other way
 * round. Then the guard. Nothing waits for a freezer.
 */
#ifndef FAILCORE_CLI_RUN_SUPERVISOR_H
#define FAILCORE_CLI_RUN_SUPERVISOR_H

#include "cli/run/daemons.h"
#include "cli/run/plan.h"
#include "cli/run/records.h"
#include "shared/base/failure.h"

/*
 * Runs the plan to its end, with the daemons that wait for it. A failure before the command began
 * leaves result->cause CAUSE_FAILED and *reterr filled; a failure that ended the run is in *reterr,
 * too, for stderr. original_arguments are the program's own, wiped in the run.
 */
void supervisor_run(const struct run_plan *plan, struct waiting_daemons *waiting,
                    char **original_arguments, int original_count, struct run_result *ret_result,
                    struct failure *reterr);

#endif
