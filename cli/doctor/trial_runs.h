/* The probes that are whole runs: what none of the parts shows by itself. */
#ifndef FAILCORE_CLI_DOCTOR_TRIAL_RUNS_H
#define FAILCORE_CLI_DOCTOR_TRIAL_RUNS_H

#include "cli/doctor/probes.h"

/* Mount, log and confinement, without a network. */
struct probe_result trial_run(const struct probe_scratch *scratch);
/* With the network guard; says how packets come to it. */
struct probe_result trial_guard(const struct probe_scratch *scratch);
/* Whose command sandboxes a child of its own. */
struct probe_result trial_nested(const struct probe_scratch *scratch);

#endif
