#include "cli/run/supervisor.h"

#include "cli/run/status_lines.h"
#include "cli/run/supervisor_state.h"

uint64_t elapsed_ns(const struct timespec *since)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)((now.tv_sec - since->tv_sec) * 1000000000LL + now.tv_nsec - since->tv_nsec);
}

void supervisor_run(const struct run_plan *plan, struct waiting_daemons *waiting,
                    char **original_arguments, int original_count, struct run_result *ret_result,
                    struct failure *reterr)
{
    /* Not of this call: a pump that nobody waits for (streams_close) uses it until the process
     * ends. */
    static struct supervisor supervisor;

    supervisor = (struct supervisor){
        .plan = plan,
        .waiting = waiting,
        .guard = {.handle = -1},
        .mount = {.handle = -1},
        .guard_socket = -1,
        .mount_socket = -1,
        .mount_ready = -1,
        .setup_handle = -1,
        .first_handle = -1,
        .socket = -1,
        .signals = -1,
        .policy_fd = -1,
        .own_handle = -1,
        .control = {.listener = -1},
        .breaker = RUN_BREAKER_NONE,
        .execs = {.listener = -1},
        .result = {.exit_code = -1},
    };

    if (start_sequence(&supervisor, original_arguments, original_count, reterr) == 0) {
        watch(&supervisor, reterr);
    }
    end_sequence(&supervisor);
    if (supervisor.started_recorded) {
        status_line_counts(plan->options->status_fd, plan, &supervisor.result);
    }
    status_line_exit(plan->options->status_fd, plan, &supervisor.result);
    *ret_result = supervisor.result;
}
