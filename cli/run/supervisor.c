#include "cli/run/supervisor.h"
#include "cli/report/after_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/run/control.h"
#include "cli/run/daemons.h"
#include "cli/run/messages.h"
#include "cli/run/setup.h"
#include "cli/run/status_lines.h"
#include "cli/run/streams.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"
#include "shared/confine/process_handle.h"

#define DAEMON_STOP_MS 5000
#define LIMIT_TICK_MS  50    /* how often counters of a control group are read */
#define TERM_GRACE_MS  150   /* between SIGTERM and the kill when the time is over */
#define STOP_GRACE_MS  10000 /* and when somebody asked the run to stop */
#define DRAIN_MS       500   /* for a reader outside, when the run did not end by itself */

struct supervisor {
    const struct run_plan *plan;
    struct streams streams;
    struct audit_producer *producer;
    struct daemon guard;
    struct daemon mount;
    int setup_handle;
    pid_t setup_pid;
    int first_handle; /* the run's pid 1 */
    int socket;       /* to setup, then to pid 1 */
    int signals;
    int policy_fd;
    int own_handle;
    uint64_t exec_ticket;
    bool started_recorded;
    bool ended; /* the command's own end was reported */
    struct control control;
    bool asked_to_end;   /* SIGTERM was sent; the kill follows at kill_at_ms */
    uint64_t kill_at_ms; /* since `began` */
    struct timespec began;
    struct run_result result;
};

static uint64_t elapsed_ns(const struct timespec *since)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)((now.tv_sec - since->tv_sec) * 1000000000LL + now.tv_nsec - since->tv_nsec);
}

/* ---- signals ------------------------------------------------------------------------------- */

static const int watched_signals[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
                                      SIGUSR2, SIGWINCH, SIGCONT, SIGCHLD};

/* Before any thread or child is made: all inherit the mask. */
static int watch_signals(struct supervisor *supervisor)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); i++) {
        sigaddset(&set, watched_signals[i]);
    }
    (void)signal(SIGPIPE, SIG_IGN); /* a closed standard output ends the pump, not us */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -errno;
    }
    supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signals < 0 ? -errno : 0;
}

static void pass_signal(struct supervisor *supervisor, int signal)
{
    const struct message message = {.kind = MESSAGE_SIGNAL, .signal = signal};

    (void)message_send(supervisor->socket, &message, NULL, 0);
}

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGWINCH) {
            streams_copy_window_size(&supervisor->streams);
        } else if (info.ssi_signo != SIGCONT && info.ssi_signo != SIGCHLD) {
            pass_signal(supervisor, (int)info.ssi_signo);
        }
    }
}

/* The command was stopped from its terminal: so are we, until the caller's shell continues us. */
static void stop_with_the_command(struct supervisor *supervisor)
{
    const struct message go_on = {.kind = MESSAGE_CONTINUE};

    if (!streams_want_terminal(&supervisor->streams)) {
        return;
    }
    streams_terminal_leave(&supervisor->streams);
    (void)kill(0, SIGSTOP);
    streams_terminal_enter(&supervisor->streams);
    (void)message_send(supervisor->socket, &go_on, NULL, 0);
}

/* ---- starting ------------------------------------------------------------------------------ */

static int start_setup(struct supervisor *supervisor, char **arguments, int count,
                       struct failure *reterr)
{
    int ends[2];
    AUTO_CLOSE int theirs = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return failure_set(reterr, -errno, "cannot make a socket: %s", strerror(errno));
    }
    supervisor->socket = ends[0];
    theirs = ends[1];
    supervisor->setup_pid = process_fork(&supervisor->setup_handle);
    if (supervisor->setup_pid < 0) {
        return failure_set(reterr, supervisor->setup_pid, "cannot make a process: %s",
                           strerror(-supervisor->setup_pid));
    }
    if (supervisor->setup_pid == 0) {
        const struct setup setup = {
            .plan = supervisor->plan,
            .streams = &supervisor->streams,
            .socket = theirs,
            .original_arguments = arguments,
            .original_count = count,
        };

        setup_run(&setup);
    }
    return 0;
}

static int seal_policy(struct supervisor *supervisor, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error = policy_print(supervisor->plan->policy, &text);

    if (error == 0) {
        supervisor->policy_fd = memory_file_from("failcore-policy", text.bytes, text.length);
        error = supervisor->policy_fd < 0 ? supervisor->policy_fd : 0;
    }
    return error < 0
               ? failure_set(reterr, error, "cannot hand over the policy: %s", strerror(-error))
               : 0;
}

/* The network namespace, or word that there is none. */
static int send_network(struct supervisor *supervisor, const struct daemon_context *context,
                        struct failure *reterr)
{
    const struct message enter = {.kind = MESSAGE_ENTER};
    int namespaces[2] = {-1, -1};
    int count = 0;
    int error;

    if (!supervisor->plan->options->no_net) {
        count = guard_start(context, &supervisor->guard, namespaces, reterr);
        if (count < 0) {
            return count;
        }
    }
    /* Before it makes anything: all its children are born in the group. */
    error = cgroup_add(&supervisor->plan->limits.cgroup, supervisor->setup_pid);
    error = error < 0 ? error : message_send(supervisor->socket, &enter, namespaces, (size_t)count);
    for (int i = 0; i < count; i++) {
        close(namespaces[i]);
    }
    return error < 0 ? failure_set(reterr, error, "cannot reach the run: %s", strerror(-error)) : 0;
}

static int write_maps(struct supervisor *supervisor, struct failure *reterr)
{
    const struct message ready = {.kind = MESSAGE_MAPS_READY};
    int error;

    if (!supervisor->plan->identity.separate) {
        return 0; /* it writes its own */
    }
    error = message_expect(supervisor->socket, MESSAGE_WANT_MAPS, NULL, 0, reterr);
    if (error < 0) {
        return error;
    }
    error = identity_write_maps(&supervisor->plan->identity, supervisor->setup_pid, 0, 0);
    if (error < 0) {
        return failure_set(reterr, error, "cannot map the run's user ids: %s", strerror(-error));
    }
    return message_send(supervisor->socket, &ready, NULL, 0);
}

static int start_mount(struct supervisor *supervisor, const struct daemon_context *context,
                       struct failure *reterr)
{
    int session = -1;
    AUTO_CLOSE int ready = -1;
    int error = message_expect(supervisor->socket, MESSAGE_MOUNTED, &session, 1, reterr);

    if (error < 0) {
        return error;
    }
    error = mount_start(context, &session, &supervisor->mount, &ready, reterr);
    if (error < 0) {
        return error;
    }
    /* The first process is made while the server starts. */
    error =
        message_expect(supervisor->socket, MESSAGE_STARTED, &supervisor->first_handle, 1, reterr);
    return error < 0 ? error : mount_wait(&supervisor->mount, &ready, reterr);
}

static int take_terminal(struct supervisor *supervisor, struct failure *reterr)
{
    int master = -1;
    int error;

    if (!streams_want_terminal(&supervisor->streams)) {
        return 0;
    }
    error = message_expect(supervisor->socket, MESSAGE_TERMINAL, &master, 1, reterr);
    if (error == 0) {
        streams_set_master(&supervisor->streams, master);
    }
    return error;
}

/* Decided and recorded, then done. */
static int start_command(struct supervisor *supervisor, struct failure *reterr)
{
    const struct message go = {.kind = MESSAGE_GO};
    struct message answer = {0};
    size_t no_fds = 0;
    int error =
        records_exec(supervisor->producer, supervisor->plan, &supervisor->exec_ticket, reterr);

    if (error == -EACCES) {
        supervisor->result.cause = CAUSE_NOT_EXECUTABLE;
        supervisor->result.error = EACCES;
        supervisor->exec_ticket = 0; /* refused: nothing follows */
    }
    if (error < 0) {
        return error;
    }
    clock_gettime(CLOCK_MONOTONIC, &supervisor->began);
    error = message_send(supervisor->socket, &go, NULL, 0);
    error = error < 0 ? error : message_receive(supervisor->socket, &answer, NULL, &no_fds, reterr);
    if (error < 0) {
        return failure_set(reterr, error, "the run ended before the command: %s", strerror(-error));
    }
    if (answer.kind == MESSAGE_NOT_EXECUTED) {
        supervisor->result.cause = answer.error == ENOENT ? CAUSE_NOT_FOUND : CAUSE_NOT_EXECUTABLE;
        supervisor->result.error = answer.error;
        failure_set(reterr, -answer.error, "cannot run %s: %s", supervisor->plan->arguments[0],
                    strerror(answer.error));
        failure_set_mend(reterr, "check its path and mode as the run sees them: "
                                 "failcore run --plan");
        return 1;
    }
    return answer.kind == MESSAGE_EXECUTED
               ? 0
               : failure_set(reterr, -EPROTO, "unexpected message %d from the run", answer.kind);
}

static int start(struct supervisor *supervisor, char **arguments, int count, struct failure *reterr)
{
    struct daemon_context context = {.plan = supervisor->plan};
    int error = watch_signals(supervisor);

    if (error < 0) {
        return failure_set(reterr, error, "cannot watch signals: %s", strerror(-error));
    }
    error = streams_open(&supervisor->streams,
                         supervisor->plan->limits.values[RUN_LIMIT_OUTPUT_BYTES], reterr);
    error = error < 0 ? error : start_setup(supervisor, arguments, count, reterr);
    streams_close_inner(&supervisor->streams);
    error = error < 0 ? error : records_attach(supervisor->plan, &supervisor->producer, reterr);
    error = error < 0 ? error : records_start(supervisor->producer, supervisor->plan, reterr);
    if (error < 0) {
        return error;
    }
    supervisor->started_recorded = true;
    error = control_open(&supervisor->control, supervisor->plan,
                         audit_producer_directory(supervisor->producer), reterr);
    if (error < 0) {
        return error;
    }
    supervisor->own_handle = process_handle_open(getpid());
    error = seal_policy(supervisor, reterr);
    context.policy_fd = supervisor->policy_fd;
    context.supervisor_fd = supervisor->own_handle;
    context.audit_directory = audit_producer_directory(supervisor->producer);
    error = error < 0 ? error : send_network(supervisor, &context, reterr);
    error = error < 0 ? error : write_maps(supervisor, reterr);
    error = error < 0 ? error : start_mount(supervisor, &context, reterr);
    error = error < 0 ? error : take_terminal(supervisor, reterr);
    if (error < 0) {
        return error;
    }
    streams_terminal_enter(&supervisor->streams);
    error = start_command(supervisor, reterr);
    if (error != 0) {
        return error;
    }
    status_line_started(supervisor->plan->options->status_fd, supervisor->plan,
                        context.audit_directory);
    return streams_start(&supervisor->streams, reterr);
}

/* ---- watching ------------------------------------------------------------------------------ */

static void take_message(struct supervisor *supervisor)
{
    struct message message = {0};
    struct failure failure = {0};
    size_t no_fds = 0;

    if (message_receive(supervisor->socket, &message, NULL, &no_fds, &failure) < 0) {
        close_fd(&supervisor->socket); /* its handle tells the rest */
        return;
    }
    if (message.kind == MESSAGE_STOPPED) {
        stop_with_the_command(supervisor);
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
    pass_signal(supervisor, SIGTERM);
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
    switch (control_serve(&supervisor->control)) {
    case CONTROL_STOP:
        supervisor->result.cause = CAUSE_STOPPED;
        if (!supervisor->asked_to_end) {
            ask_to_end(supervisor, STOP_GRACE_MS);
        }
        return false;
    case CONTROL_KILL:
        supervisor->result.cause = CAUSE_STOPPED;
        return true;
    case CONTROL_NOTHING:
        break;
    }
    return false;
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

enum { FIRST = 0, MOUNT, GUARD, AUDIT, SIGNALS, SOCKET, OUTPUT, CONTROL, POLL_COUNT };

/* One look at everything that may end the run. True: it is over, or has to be ended. */
static bool judge(struct supervisor *supervisor, const struct pollfd fds[static POLL_COUNT],
                  struct failure *reterr)
{
    if (fds[OUTPUT].revents != 0) {
        limit_passed(supervisor, RUN_LIMIT_OUTPUT_BYTES, reterr);
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
        return false; /* only its last processes are awaited */
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
        take_signals(supervisor);
        if (a_daemon_is_stopped(supervisor, reterr)) {
            return true;
        }
    }
    if (fds[CONTROL].revents != 0 && take_word(supervisor)) {
        return true;
    }
    return check_clock(supervisor, reterr) || check_group(supervisor, reterr);
}

/* Until the run is over or has to be ended. */
static void watch(struct supervisor *supervisor, struct failure *reterr)
{
    for (;;) {
        struct pollfd fds[POLL_COUNT] = {
            [FIRST] = {.fd = supervisor->first_handle, .events = POLLIN},
            [MOUNT] = {.fd = supervisor->mount.handle, .events = POLLIN},
            [GUARD] = {.fd = supervisor->guard.handle, .events = POLLIN},
            [AUDIT] = {.fd = audit_producer_alarm_fd(supervisor->producer), .events = POLLIN},
            [SIGNALS] = {.fd = supervisor->signals, .events = POLLIN},
            [SOCKET] = {.fd = supervisor->socket, .events = POLLIN},
            [OUTPUT] = {.fd = supervisor->streams.budget.alarm, .events = POLLIN},
            [CONTROL] = {.fd = supervisor->control.listener, .events = POLLIN},
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

/* ---- ending -------------------------------------------------------------------------------- */

static void reap(int *handle)
{
    struct process_end end;

    if (*handle >= 0) {
        (void)process_handle_reap(*handle, &end);
        close_fd(handle);
    }
}

/* The end of the run's processes, in the order of SR4 when they did not end by themselves. */
static void end_processes(struct supervisor *supervisor)
{
    bool orderly = supervisor->first_handle >= 0 && process_handle_ended(supervisor->first_handle);

    if (!orderly) {
        daemon_kill(&supervisor->mount);
        if (supervisor->first_handle >= 0) {
            (void)process_handle_signal(supervisor->first_handle, SIGKILL);
        }
        if (supervisor->setup_handle >= 0) {
            (void)process_handle_signal(supervisor->setup_handle, SIGKILL);
        }
    }
    reap(&supervisor->first_handle);
    reap(&supervisor->setup_handle);
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

/* Both at once, then for each in turn. */
static void daemons_stop(struct supervisor *supervisor)
{
    const int timeout_ms = supervisor->ended ? DAEMON_STOP_MS : DRAIN_MS;

    daemon_ask(&supervisor->mount);
    daemon_ask(&supervisor->guard);
    daemon_stop(&supervisor->mount, timeout_ms);
    daemon_stop(&supervisor->guard, timeout_ms);
}

static void end(struct supervisor *supervisor)
{
    struct run_result *result = &supervisor->result;

    end_processes(supervisor);
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
    daemons_stop(supervisor);
    if (supervisor->started_recorded) {
        (void)records_end(supervisor->producer, supervisor->plan, result);
    }
    if (supervisor->producer != NULL) {
        audit_producer_detach(supervisor->producer);
    }
    if (supervisor->started_recorded && !supervisor->plan->options->no_report) {
        report_after_run(supervisor->plan->options->audit, supervisor->plan->id);
    }
    control_close(&supervisor->control, supervisor->plan);
    close_fd(&supervisor->socket);
    close_fd(&supervisor->signals);
    close_fd(&supervisor->policy_fd);
    close_fd(&supervisor->own_handle);
}

void supervisor_run(const struct run_plan *plan, char **original_arguments, int original_count,
                    struct run_result *ret_result, struct failure *reterr)
{
    struct supervisor supervisor = {
        .plan = plan,
        .guard = {.handle = -1},
        .mount = {.handle = -1},
        .setup_handle = -1,
        .first_handle = -1,
        .socket = -1,
        .signals = -1,
        .policy_fd = -1,
        .own_handle = -1,
        .control = {.listener = -1},
        .result = {.exit_code = -1},
    };

    if (start(&supervisor, original_arguments, original_count, reterr) == 0) {
        watch(&supervisor, reterr);
    }
    end(&supervisor);
    status_line_exit(plan->options->status_fd, plan, &supervisor.result);
    *ret_result = supervisor.result;
}
