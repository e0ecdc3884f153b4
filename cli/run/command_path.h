/* The command's own path as the run will find it: what is asked of the process rules and recorded.
 */
#ifndef FAILCORE_CLI_RUN_COMMAND_PATH_H
#define FAILCORE_CLI_RUN_COMMAND_PATH_H

#include "cli/run/plan.h"

/* A bare name is looked for in the run's PATH, in what the view has of the machine; when it is not
 * there, the name itself is the answer. */
void command_path(const struct run_plan *plan, char ret_path[static PATH_MAX]);

/* The PATH of an environment, or the usual one. */
const char *environment_path(char *const *environment);

#endif
