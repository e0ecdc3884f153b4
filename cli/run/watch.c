#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/run/messages.h"
#include "cli/run/supervisor_state.h"
#include "shared/base/cleanup.h"
#include "shared/confine/process_handle.h"

#define LIMIT_TICK_MS 50    /* how often counters of a control group are read */
#define TERM_GRACE_MS 150   /* between SIGTERM and the kill when the time is over */
#define STOP_GRACE_MS 10000 /* and when somebody asked the run to stop */

static void take_message(struct supervisor *supervisor)
{
    struct message message = {0};
    struct failure failure = {0};
    size_t no_fds = 0;
    int error = message_receive(supervisor->socket, &message, NULL, &no_fds, &failure);

    if (error == -ECONNRESET) {
        /* It left without reading our last word; its own may still be there. */
        no_fds = 0;
        error = message_receive(supervisor->socket, &message, NULL, &no_fds, &failure);
    }
    if (error < 0) {
        close_fd(&supervisor->socket); /* its handle tells the rest */
        /* Nobody is left to freeze: who is held by the breaker is let go, so that it can die. */
        run_breaker_acted(&supervisor->breaker);
        return;
    }
    if (message.kind == MESSAGE_STOPPED) {
        if (supervisor->breaker.frozen) {
            return; /* by us: not the terminal's job control */
        }
        caller_signals_stop_with_the_command(supervisor);
    } else if (message.kind == MESSAGE_FROZEN) {
        run_breaker_acted(&supervisor->breaker);
    } else if (message.kind == MESSAGE_ENDED) {
        supervisor->ended = true;
        supervisor->result.exit_code = message.exit_code;
        supervisor->result.signal = message.signal;
        if (supervisor->asked_to_end) {
            return; /* it obeyed the SIGTERM: the cause is known */
        }
        supervisor->result.cause = message.signal != 0 ? CAUSE_SIGNALED : CAUSE_EXITED;
    }
}

static void daemon_died(struct supervisor *supervisor, const char *name, struct failure *reterr)
{
    supervisor->result.cause = CAUSE_DAEMON_DIED;
    supervisor->result.detail = name;
    failure_set(reterr, -EIO, "%s ended, and the run with it", name);
    failure_set_needed(reterr, "a run without all its parts would be an open one");
    failure_set_mend(reterr, "failcore show; the machine's log says what ended it");
}

static void limit_passed(struct supervisor *supervisor, enum run_limit limit,
                         struct failure *reterr)
{
    (void)records_limit(supervisor->producer, supervisor->plan, limit);
    supervisor->result.cause = CAUSE_LIMIT;
    supervisor->result.limit = limit;
    supervisor->result.detail = run_limit_word(limit);
    failure_set(reterr, -ETIMEDOUT, "the run reached limits.%s", run_limit_word(limit));
    failure_set_mend(reterr, "raise it in the policy, if that is what the run needs");
}

/* SIGTERM now, the kill a little later. */
static void ask_to_end(struct supervisor *supervisor, uint64_t grace_ms)
{
    supervisor->asked_to_end = true;
    supervisor->kill_at_ms = elapsed_ns(&supervisor->began) / 1000000 + grace_ms;
    caller_signals_pass(supervisor, SIGTERM);
}

/* True: the run has to end. */
static bool check_clock(struct supervisor *supervisor, struct failure *reterr)
{
    const uint64_t limit_ms = supervisor->plan->limits.values[RUN_LIMIT_WALL_TIME];
    const uint64_t now_ms = elapsed_ns(&supervisor->began) / 1000000;

    if (supervisor->asked_to_end && now_ms >= supervisor->kill_at_ms) {
        return true;
    }
    if (limit_ms != RUN_LIMIT_NONE && now_ms >= limit_ms &&
        supervisor->result.cause != CAUSE_LIMIT) {
        limit_passed(supervisor, RUN_LIMIT_WALL_TIME, reterr);
        ask_to_end(supervisor, TERM_GRACE_MS);
    }
    return false;
}

/* The operator's word. True: now. */
static bool take_word(struct supervisor *supervisor)
{
    const struct message thaw = {.kind = MESSAGE_THAW};

    switch (control_serve(&supervisor->control)) {
    case CONTROL_STOP:
        supervisor->result.cause = CAUSE_STOPPED;
        if (supervisor->breaker.frozen) {
            /* It has to hear the signal; what it may change or send is nothing, as before. */
            (void)message_send(supervisor->socket, &thaw, NULL, 0);
        }
        if (!supervisor->asked_to_end) {
            ask_to_end(supervisor, STOP_GRACE_MS);
        }
        return false;
    case CONTROL_KILL:
        supervisor->result.cause = CAUSE_STOPPED;
        return true;
    case CONTROL_RESUME:
        control_answer(
            &supervisor->control,
            run_breaker_resume(&supervisor->breaker, supervisor->plan, supervisor->socket));
        return false;
    case CONTROL_NOTHING:
        break;
    }
    return false;
}

/* The breaker has tripped. True: the run has to end. */
static bool check_breaker(struct supervisor *supervisor, struct failure *reterr)
{
    if (!run_breaker_answer(&supervisor->breaker, supervisor->plan, supervisor->socket, reterr)) {
        return false;
    }
    supervisor->result.cause = CAUSE_BREAKER;
    supervisor->result.detail = "the circuit breaker has tripped";
    return true;
}

static bool check_group(struct supervisor *supervisor, struct failure *reterr)
{
    if (limits_passed(&supervisor->plan->limits) != RUN_LIMIT_CPU_TIME) {
        return false;
    }
    limit_passed(supervisor, RUN_LIMIT_CPU_TIME, reterr);
    return true;
}

/* How long may be waited before a clock has to be looked at; -1: for ever. */
static int next_look_ms(const struct supervisor *supervisor)
{
    const struct run_limits *limits = &supervisor->plan->limits;
    const uint64_t wall_ms = limits->values[RUN_LIMIT_WALL_TIME];
    uint64_t now_ms;

    if (limits->values[RUN_LIMIT_CPU_TIME] != RUN_LIMIT_NONE || supervisor->asked_to_end) {
        return LIMIT_TICK_MS;
    }
    if (wall_ms == RUN_LIMIT_NONE) {
        return -1;
    }
    now_ms = elapsed_ns(&supervisor->began) / 1000000;
    if (now_ms >= wall_ms) {
        return 0;
    }
    return wall_ms - now_ms >= 3600000 ? 3600000 : (int)(wall_ms - now_ms) + 1;
}

/* A part that is stopped answers nobody: whoever waits for it waits for ever. That is no better
 * than a dead one (SR4). */
static bool a_daemon_is_stopped(struct supervisor *supervisor, struct failure *reterr)
{
    const struct daemon *const daemons[] = {&supervisor->mount, &supervisor->guard};

    for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
        if (daemons[i]->name != NULL && process_handle_stopped(daemons[i]->handle)) {
            daemon_died(supervisor, daemons[i]->name, reterr);
            return true;
        }
    }
    return false;
}

/* Its one word after the start (fusefs/disk_budget.h); its end is seen by its handle. */
static bool disk_is_full(struct supervisor *supervisor)
{
    char byte;

    if (read(supervisor->mount_ready, &byte, 1) == 1) {
        return true;
    }
    close_fd(&supervisor->mount_ready);
    return false;
}

enum {
    FIRST = 0,
    MOUNT,
    MOUNT_SAYS,
    GUARD,
    AUDIT,
    SIGNALS,
    SOCKET,
    OUTPUT,
    CONTROL,
    BREAKER,
    POLL_COUNT
};

/* One look at everything that may end the run. True: it is over, or has to be ended. */
static bool judge(struct supervisor *supervisor, const struct pollfd fds[static POLL_COUNT],
                  struct failure *reterr)
{
    if (fds[OUTPUT].revents != 0) {
        limit_passed(supervisor, RUN_LIMIT_OUTPUT_BYTES, reterr);
        return true;
    }
    if (fds[MOUNT_SAYS].revents != 0 && disk_is_full(supervisor)) {
        limit_passed(supervisor, RUN_LIMIT_DISK, reterr);
        return true;
    }
    if (fds[SOCKET].revents != 0) {
        take_message(supervisor);
    }
    /* The command's own end wins over a daemon that ends a moment later. */
    if (fds[FIRST].revents != 0 && fds[SOCKET].revents == 0) {
        if (!supervisor->ended && supervisor->result.cause == CAUSE_FAILED) {
            supervisor->result.cause = CAUSE_KILLED;
            failure_set(reterr, -EIO, "the run was killed from outside");
        }
        return true;
    }
    if (supervisor->ended) {
        run_breaker_dismiss(&supervisor->breaker);
        return false;
    }
    if (fds[BREAKER].revents != 0 && check_breaker(supervisor, reterr)) {
        return true;
    }
    if (fds[MOUNT].revents != 0) {
        daemon_died(supervisor, "failcore-mount", reterr);
        return true;
    }
    if (fds[GUARD].revents != 0) {
        daemon_died(supervisor, "failcore-netguard", reterr);
        return true;
    }
    if (fds[AUDIT].revents != 0) {
        daemon_died(supervisor, "failcore-auditd", reterr);
        return true;
    }
    if (fds[SIGNALS].revents != 0) {
        caller_signals_take(supervisor);
        if (a_daemon_is_stopped(supervisor, reterr)) {
            return true;
        }
    }
    if (fds[CONTROL].revents != 0 && take_word(supervisor)) {
        return true;
    }
    return check_clock(supervisor, reterr) || check_group(supervisor, reterr);
}

/* Of a command that has ended, only its last processes are awaited, and not by looking at what else
 * ends with it over and over: that takes the processor from them. */
static int until_the_end(const struct supervisor *supervisor, int fd)
{
    return supervisor->ended ? -1 : fd;
}

void watch(struct supervisor *supervisor, struct failure *reterr)
{
    for (;;) {
        const int alarm = audit_producer_alarm_fd(supervisor->producer);
        struct pollfd fds[POLL_COUNT] = {
            [FIRST] = {.fd = supervisor->first_handle, .events = POLLIN},
            [MOUNT] = {.fd = until_the_end(supervisor, supervisor->mount.handle), .events = POLLIN},
            [MOUNT_SAYS] = {.fd = supervisor->mount_ready, .events = POLLIN},
            [GUARD] = {.fd = until_the_end(supervisor, supervisor->guard.handle), .events = POLLIN},
            [AUDIT] = {.fd = until_the_end(supervisor, alarm), .events = POLLIN},
            [SIGNALS] = {.fd = until_the_end(supervisor, supervisor->signals), .events = POLLIN},
            [SOCKET] = {.fd = supervisor->socket, .events = POLLIN},
            [OUTPUT] = {.fd = supervisor->streams.budget.alarm, .events = POLLIN},
            [CONTROL] = {.fd = until_the_end(supervisor, supervisor->control.listener),
                         .events = POLLIN},
            [BREAKER] = {.fd = supervisor->breaker.alarm_fd, .events = POLLIN},
        };

        if (poll(fds, POLL_COUNT, next_look_ms(supervisor)) < 0) {
            if (errno == EINTR) {
                continue;
            }
            failure_set(reterr, -errno, "cannot watch the run: %s", strerror(errno));
            return;
        }
        if (judge(supervisor, fds, reterr)) {
            return;
        }
    }
}
