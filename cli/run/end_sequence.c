#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/report/after_run.h"
#include "cli/run/messages.h"
#include "cli/run/status_lines.h"
#include "cli/run/supervisor_state.h"
#include "shared/audit/pin.h"
#include "shared/base/cleanup.h"
#include "shared/confine/process_handle.h"

#define DAEMON_STOP_MS 5000
#define DRAIN_MS       500  /* for a reader outside, when the run did not end by itself */
#define KILL_MS        100  /* for a process that was killed, and for the first process's word */
#define GONE_MS        2000 /* for all of them: then something waits for what we cannot answer */

/* Whoever does not end in time has been killed, and ends when the kernel lets it. */
static void reap(int *handle, int timeout_ms)
{
    struct process_end end;

    if (*handle >= 0) {
        if (process_handle_wait(*handle, timeout_ms) == 0) {
            (void)process_handle_reap(*handle, &end);
        }
        close_fd(handle);
    }
}

/* The callers of a server that does not end: the first process is in their mount namespace and can
 * have them answered. */
static void abort_mounts(struct supervisor *supervisor)
{
    const struct message abort_them = {.kind = MESSAGE_ABORT};
    struct pollfd answer = {.fd = supervisor->socket, .events = POLLIN};
    struct message message = {0};
    struct failure ignored = {0};
    size_t no_fds = 0;

    if (supervisor->socket < 0 || message_send(supervisor->socket, &abort_them, NULL, 0) < 0) {
        return;
    }
    while (message.kind != MESSAGE_ABORTED && poll(&answer, 1, KILL_MS) == 1 &&
           message_receive(supervisor->socket, &message, NULL, &no_fds, &ignored) == 0) {
        no_fds = 0;
    }
}

/* The end of the run's processes, in the order of SR4 when they did not end by themselves. */
static void end_processes(struct supervisor *supervisor)
{
    bool orderly = supervisor->first_handle >= 0 && process_handle_ended(supervisor->first_handle);

    if (!orderly) {
        if (daemon_kill(&supervisor->mount, KILL_MS) == -ETIMEDOUT) {
            abort_mounts(supervisor);
        }
        if (supervisor->first_handle >= 0) {
            (void)process_handle_signal(supervisor->first_handle, SIGKILL);
        }
        if (supervisor->setup_handle >= 0) {
            (void)process_handle_signal(supervisor->setup_handle, SIGKILL);
        }
    }
    reap(&supervisor->first_handle, orderly ? -1 : GONE_MS);
    reap(&supervisor->setup_handle, orderly ? -1 : GONE_MS);
}

/* What the kernel did for the run's group. A command that was killed for memory did not end by
 * itself; one that went on after a refused fork did. */
static void judge_by_group(struct supervisor *supervisor)
{
    struct run_result *result = &supervisor->result;
    enum run_limit limit = limits_passed(&supervisor->plan->limits);

    if ((limit != RUN_LIMIT_MEMORY && limit != RUN_LIMIT_PROCESSES) ||
        supervisor->producer == NULL) {
        return;
    }
    (void)records_limit(supervisor->producer, supervisor->plan, limit);
    if (limit == RUN_LIMIT_MEMORY &&
        (result->cause == CAUSE_KILLED ||
         (result->cause == CAUSE_SIGNALED && result->signal == SIGKILL))) {
        result->cause = CAUSE_LIMIT;
        result->limit = limit;
        result->detail = run_limit_word(limit);
    }
}

/* Both at once, then for each in turn. What the end still needs is made while they leave. */
static void daemons_stop(struct supervisor *supervisor, int *ret_report)
{
    const struct run_options *options = supervisor->plan->options;
    const int timeout_ms = supervisor->ended ? DAEMON_STOP_MS : DRAIN_MS;

    daemon_ask(&supervisor->mount);
    daemon_ask(&supervisor->guard);
    *ret_report = supervisor->started_recorded && !options->no_report
                      ? report_call(options->audit, supervisor->plan->id)
                      : -1;
    daemon_leave(&supervisor->mount, &supervisor->mount_ready, timeout_ms);
    daemon_leave(&supervisor->guard, &supervisor->guard_socket, timeout_ms);
}

/*
 * Everything is signed when the producer has left: then root keeps a pin. The log is its writer's,
 * the pin is root's, so that the writer's user alone cannot roll the log back. A run whose pin
 * could not be kept is a run all the same.
 */
static void leave_log(struct supervisor *supervisor)
{
    struct failure ignored = {0};
    char directory[PATH_MAX];

    (void)snprintf(directory, sizeof(directory), "%s",
                   audit_producer_directory(supervisor->producer));
    audit_producer_detach(supervisor->producer);
    if (supervisor->started_recorded && geteuid() == 0) {
        (void)audit_pin_keep(directory, &ignored);
    }
}

void end_sequence(struct supervisor *supervisor)
{
    struct run_result *result = &supervisor->result;
    AUTO_CLOSE int report = -1; /* begins when this is closed */

    end_processes(supervisor);
    control_tell_gone(&supervisor->control);
    run_breaker_acted(&supervisor->breaker);
    exec_recorder_end(&supervisor->execs);
    judge_by_group(supervisor);
    streams_drain(&supervisor->streams, supervisor->signals,
                  supervisor->ended && !supervisor->asked_to_end ? -1 : DRAIN_MS);
    streams_close(&supervisor->streams);
    result->output_bytes = streams_output_bytes(&supervisor->streams);
    if (supervisor->exec_ticket != 0) {
        result->duration_ns = elapsed_ns(&supervisor->began);
        (void)records_exec_result(supervisor->producer, supervisor->plan, result,
                                  supervisor->exec_ticket);
    }
    /* They publish what they still hold before END closes the run. */
    daemons_stop(supervisor, &report);
    if (supervisor->started_recorded) {
        (void)records_end(supervisor->producer, supervisor->plan, result);
    }
    if (supervisor->producer != NULL) {
        leave_log(supervisor);
    }
    control_close(&supervisor->control, supervisor->plan);
    run_breaker_close(&supervisor->breaker);
    close_fd(&supervisor->guard_socket);
    close_fd(&supervisor->mount_socket);
    close_fd(&supervisor->mount_ready);
    close_fd(&supervisor->socket);
    close_fd(&supervisor->signals);
    close_fd(&supervisor->policy_fd);
    close_fd(&supervisor->own_handle);
}
