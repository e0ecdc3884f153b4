/*
 * The run's first process: pid 1 of its pid namespace, in the user namespace that owns the run's
 * other ones, hidden from ptrace and /proc. It finishes the view, starts the command, reaps what
 * is orphaned, passes signals on, and ends the run when the command or the supervisor has ended:
 * the kernel then kills everything that is left.
 */
#ifndef FAILCORE_CLI_RUN_FIRST_PROCESS_H
#define FAILCORE_CLI_RUN_FIRST_PROCESS_H

#include "cli/run/plan.h"
#include "cli/run/streams.h"
#include "shared/confine/syscall_filter.h"

struct first_process {
    const struct run_plan *plan;
    const struct syscall_filter *filter; /* for the command: loaded just before execve */
    int root;                            /* the view's root, from view_build() */
    int socket;                          /* to the supervisor */
    const struct streams *streams;
    char **original_arguments; /* of the program: wiped, /proc/1/cmdline shows them */
    int original_count;
};

_Noreturn void first_process_run(const struct first_process *first);

#endif
