/*
 * From the run's first process to the command: the last steps before execve, in the order that
 * leaves no moment with more rights than needed.
 */
#ifndef FAILCORE_CLI_RUN_WORKLOAD_H
#define FAILCORE_CLI_RUN_WORKLOAD_H

#include <stdbool.h>

#include "cli/run/plan.h"
#include "shared/confine/syscall_filter.h"

struct workload_start {
    const struct run_plan *plan;
    const struct syscall_filter *filter;
    int standard[3]; /* what becomes 0, 1, 2; the same number may be there thrice (a pty) */
    bool terminal;   /* make standard[first pty] the controlling terminal's foreground group */
    int socket; /* SOCK_SEQPACKET, close-on-exec: the listener of its execs as a descriptor, and
                 * a struct workload_failure when execve was not reached */
};

struct workload_failure {
    int error;      /* positive errno */
    char stage[64]; /* what could not be done; "execve" for the command itself */
};

/* Never returns. The caller is a fresh child of the run's first process. */
_Noreturn void workload_become(const struct workload_start *start);

#endif
