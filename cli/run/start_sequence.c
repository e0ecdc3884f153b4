#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/run/messages.h"
#include "cli/run/setup.h"
#include "cli/run/status_lines.h"
#include "cli/run/supervisor_state.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"
#include "shared/confine/process_handle.h"
#include "shared/crypto/ed25519.h"

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

/* Both are told at once, and nobody waits for them yet. */
static int start_daemons(struct supervisor *supervisor, const struct daemon_context *context,
                         struct failure *reterr)
{
    int error = 0;

    if (supervisor->plan->guard) {
        error = guard_start(context, &supervisor->guard, &supervisor->guard_socket, reterr);
    }
    return error < 0 ? error
                     : mount_start(context, &supervisor->mount, &supervisor->mount_socket,
                                   &supervisor->mount_ready, reterr);
}

/* The network namespace, or word that there is none. */
static int send_network(struct supervisor *supervisor, struct failure *reterr)
{
    struct message enter = {.kind = MESSAGE_ENTER};
    struct guard_namespaces namespaces = {.count = 0};
    int error = 0;

    if (supervisor->guard.name != NULL) {
        error = guard_receive_namespaces(&supervisor->guard, supervisor->guard_socket, &namespaces,
                                         reterr);
        if (error < 0) {
            return error;
        }
        memcpy(enter.resolver, namespaces.resolver, sizeof(enter.resolver));
    }
    /* Before it makes anything: all its children are born in the group. */
    error = cgroup_add(&supervisor->plan->limits.cgroup, supervisor->setup_pid);
    error = error < 0 ? error
                      : message_send(supervisor->socket, &enter, namespaces.fds, namespaces.count);
    for (size_t i = 0; i < namespaces.count; i++) {
        close(namespaces.fds[i]);
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

static int wait_for_all(struct supervisor *supervisor, struct failure *reterr)
{
    int served[MOUNT_SERVED] = {-1, -1, -1};
    int error = message_expect(supervisor->socket, MESSAGE_MOUNTED, served, MOUNT_SERVED, reterr);

    error = error < 0
                ? error
                : mount_hand_over(&supervisor->mount, &supervisor->mount_socket, served, reterr);
    /* Before the view, which waits for it: where it failed, these are the words that say why. */
    error = error < 0 ? error : mount_wait(&supervisor->mount, supervisor->mount_ready, reterr);
    if (error == 0) {
        error = message_expect(supervisor->socket, MESSAGE_STARTED, &supervisor->first_handle, 1,
                               reterr);
    }
    if (error == 0 && supervisor->guard.name != NULL) {
        error = guard_wait(&supervisor->guard, supervisor->guard_socket, reterr);
    }
    /* The disk had all this time. */
    return error < 0 ? error : records_await(supervisor->producer, reterr);
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

/* Its first exec waits for the answer already. */
static int record_execs(struct supervisor *supervisor, struct failure *reterr)
{
    int listener = -1;
    int error = message_expect(supervisor->socket, MESSAGE_WATCHED, &listener, 1, reterr);

    return error < 0
               ? error
               : exec_recorder_start(&supervisor->execs, supervisor->plan, supervisor->producer,
                                     &supervisor->breaker.breaker, listener);
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
    error = error < 0 ? error : record_execs(supervisor, reterr);
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

int start_sequence(struct supervisor *supervisor, char **arguments, int count,
                   struct failure *reterr)
{
    struct daemon_context context = {.plan = supervisor->plan, .waiting = supervisor->waiting};
    int error = caller_signals_watch(supervisor);

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
    error = error < 0 ? error
                      : run_breaker_open(&supervisor->breaker, supervisor->plan,
                                         supervisor->producer, reterr);
    context.policy_fd = supervisor->policy_fd;
    context.supervisor_fd = supervisor->own_handle;
    context.breaker_fd = supervisor->breaker.board_fd;
    context.breaker_alarm_fd = supervisor->breaker.alarm_fd;
    context.audit_directory = audit_producer_directory(supervisor->producer);
    error = error < 0 ? error : start_daemons(supervisor, &context, reterr);
    error = error < 0 ? error : send_network(supervisor, reterr);
    error = error < 0 ? error : write_maps(supervisor, reterr);
    error = error < 0 ? error : wait_for_all(supervisor, reterr);
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
    error = streams_start(&supervisor->streams, reterr);
    if (error == 0 && geteuid() == 0) {
        ed25519_prepare(); /* for the pin (leave_log), while the command begins */
    }
    return error;
}
