/*
 * What the supervisor knows of the run, shared by the files that are its stages: start_sequence.c
 * makes the parts, watch.c waits for the first of them to end, end_sequence.c takes all down,
 * caller_signals.c is what the caller's terminal says meanwhile. Nobody else includes this.
 */
#ifndef FAILCORE_CLI_RUN_SUPERVISOR_STATE_H
#define FAILCORE_CLI_RUN_SUPERVISOR_STATE_H

#include <time.h>

#include "cli/run/control.h"
#include "cli/run/daemons.h"
#include "cli/run/exec_recorder.h"
#include "cli/run/plan.h"
#include "cli/run/records.h"
#include "cli/run/run_breaker.h"
#include "cli/run/streams.h"
#include "shared/base/failure.h"

struct supervisor {
    const struct run_plan *plan;
    struct waiting_daemons *waiting;
    struct streams streams;
    struct audit_producer *producer;
    struct daemon guard;
    struct daemon mount;
    int guard_socket; /* its end: all is recorded */
    int mount_socket; /* until the mount was handed over */
    int mount_ready;  /* likewise */
    int setup_handle;
    pid_t setup_pid;
    int first_handle; /* the run's pid 1 */
    int socket;       /* to setup, then to pid 1 */
    int signals;
    int policy_fd;
    int own_handle;
    uint64_t exec_ticket;
    struct exec_recorder execs;
    bool started_recorded;
    bool ended; /* the command's own end was reported */
    struct control control;
    struct run_breaker breaker;
    bool asked_to_end;   /* SIGTERM was sent; the kill follows at kill_at_ms */
    uint64_t kill_at_ms; /* since `began` */
    struct timespec began;
    struct run_result result;
};

/* Nanoseconds on the monotonic clock. */
uint64_t elapsed_ns(const struct timespec *since);

/* Before any thread or child is made: all inherit the mask. */
int caller_signals_watch(struct supervisor *supervisor);
/* What has come, passed on to the command. */
void caller_signals_take(struct supervisor *supervisor);
void caller_signals_pass(const struct supervisor *supervisor, int signal);
/* The command was stopped from its terminal: so are we, until the caller's shell continues us. */
void caller_signals_stop_with_the_command(struct supervisor *supervisor);

/* 0: the command runs. Else it never began: negative errno, or 1 when it could not be executed;
 * *reterr is filled and the result says so. */
int start_sequence(struct supervisor *supervisor, char **arguments, int count,
                   struct failure *reterr);

/* Until the run is over or has to be ended; the result says why. */
void watch(struct supervisor *supervisor, struct failure *reterr);

/* Also after a start that failed half way. */
void end_sequence(struct supervisor *supervisor);

#endif
