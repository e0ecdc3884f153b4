/*
 * The process that makes the run's namespaces and mounts. It is a child of the supervisor whose
 * pid is still one of the host, so that the mount's server sees the host's pids; it makes the
 * run's first process as its sibling and ends.
 */
#ifndef FAILCORE_CLI_RUN_SETUP_H
#define FAILCORE_CLI_RUN_SETUP_H

#include "cli/run/plan.h"
#include "cli/run/streams.h"

struct setup {
    const struct run_plan *plan;
    const struct streams *streams;
    int socket; /* to the supervisor */
    char **original_arguments;
    int original_count;
};

_Noreturn void setup_run(const struct setup *setup);

#endif
