#include "cli/run/first_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/run/freeze.h"
#include "cli/run/messages.h"
#include "cli/run/test_hooks.h"
#include "cli/run/view.h"
#include "cli/run/workload.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/capabilities.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/privileges.h"

struct job {
    const struct first_process *first;
    int signals;
    pid_t command;
    struct freeze freeze; /* by the breaker: nobody but the operator lets it go on */
};

_Noreturn static void give_up(int socket, int error, struct failure *failure)
{
    failure_set(failure, error, "cannot start the run's first process: %s", strerror(-error));
    message_send_failure(socket, error, failure);
    _exit(125);
}

/* The supervisor's arguments may name policies and hold secrets (--env KEY=VALUE). */
static void wipe_arguments(const struct first_process *first)
{
    for (int i = 0; i < first->original_count; i++) {
        explicit_bzero(first->original_arguments[i], strlen(first->original_arguments[i]));
    }
    (void)prctl(PR_SET_NAME, "failcore-init", 0, 0, 0);
}

static int become_hidden(const struct first_process *first)
{
    int error;

    if (setsid() < 0 && errno != EPERM) {
        return -errno;
    }
    /* Parent in another pid namespace: seen as 0. */
    error = process_die_with_parent(0, SIGKILL);
    if (error == 0 && !layer_is_off("hidden-first-process")) {
        error = process_hide();
    }
    wipe_arguments(first);
    return error;
}

/* The pty of the run's own /dev/pts; the supervisor keeps the only master. */
static int open_terminal(const struct first_process *first, int *ret_slave)
{
    AUTO_CLOSE int master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    AUTO_CLOSE int slave = -1;
    struct message message = {.kind = MESSAGE_TERMINAL};
    struct termios modes;
    int unlocked = 0;
    int error;

    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0) {
        return -errno;
    }
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 ||
        fchown(slave, first->plan->identity.worker_uid, first->plan->identity.worker_gid) < 0) {
        return -errno;
    }
    /* The caller's terminal keeps its output processing then (streams_terminal_enter). */
    if (!first->streams->terminal[1] && tcgetattr(slave, &modes) == 0) {
        modes.c_oflag &= ~(tcflag_t)OPOST;
        (void)tcsetattr(slave, TCSANOW, &modes);
    }
    error = message_send(first->socket, &message, &master, 1);
    if (error < 0) {
        return error;
    }
    if (ioctl(slave, TIOCSCTTY, 0) < 0) {
        return -errno;
    }
    *ret_slave = take_fd(&slave);
    return 0;
}

static int watch_signals(void)
{
    sigset_t all;
    int fd;

    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0) {
        return -errno;
    }
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* What the command says before it is one: the listener of its execs, which goes to the supervisor,
 * and a failure. Its end of the socket closes when execve succeeds. */
static int hear_command(const struct job *job, int socket, struct workload_failure *ret_failure)
{
    for (;;) {
        const struct message watched = {.kind = MESSAGE_WATCHED};
        int listener = -1;
        size_t count = 1;
        ssize_t got =
            receive_with_fds(socket, ret_failure, sizeof(*ret_failure), &listener, &count);
        int error;

        if (got == 0) {
            return 0;
        }
        if (got == sizeof(*ret_failure) && count == 0) {
            return 1;
        }
        if (got != 1 || count != 1) {
            return got < 0 ? (int)got : -EIO;
        }
        error = message_send(job->first->socket, &watched, &listener, 1);
        close(listener);
        if (error < 0) {
            return error;
        }
    }
}

static int start_command(struct job *job, int slave, struct workload_failure *ret_failure)
{
    const struct first_process *first = job->first;
    struct workload_start start = {
        .plan = first->plan, .filter = first->filter, .terminal = slave >= 0};
    AUTO_CLOSE int ours = -1;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    ours = ends[0];
    job->command = fork();
    if (job->command < 0) {
        close(ends[1]);
        return -errno;
    }
    if (job->command == 0) {
        start.socket = ends[1];
        for (int fd = 0; fd <= 2; fd++) {
            start.standard[fd] = first->streams->terminal[fd] ? slave : first->streams->inner[fd];
        }
        workload_become(&start);
    }
    close(ends[1]);
    return hear_command(job, ours, ret_failure);
}

static int report_start(struct job *job, int started, const struct workload_failure *failure)
{
    struct message message = {.kind = MESSAGE_EXECUTED};

    if (started > 0 && strcmp(failure->stage, "execve") != 0) {
        failure_set(&message.failure, -failure->error, "cannot %s in the run: %s", failure->stage,
                    strerror(failure->error));
        message.kind = MESSAGE_FAILED;
        message.error = failure->error;
    } else if (started > 0) {
        message.kind = MESSAGE_NOT_EXECUTED;
        message.error = failure->error;
    }
    return message_send(job->first->socket, &message, NULL, 0);
}

static void report_end(struct job *job, int status)
{
    struct message message = {.kind = MESSAGE_ENDED, .exit_code = -1};

    if (WIFEXITED(status)) {
        message.exit_code = WEXITSTATUS(status);
    } else {
        message.signal = WTERMSIG(status);
    }
    (void)message_send(job->first->socket, &message, NULL, 0);
}

/* Reaps everything that waits. True when the command itself has ended. */
static bool reap(struct job *job)
{
    struct message stopped = {.kind = MESSAGE_STOPPED};
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(job->signals, &info, sizeof(info)) == sizeof(info)) {
        /* Only a hint: the workload may send signals, too. */
    }
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid != job->command) {
            continue;
        }
        if (WIFSTOPPED(status)) {
            stopped.signal = WSTOPSIG(status);
            (void)message_send(job->first->socket, &stopped, NULL, 0);
            continue;
        }
        report_end(job, status);
        return true;
    }
    return false;
}

static void take_the_terminal_back(const struct job *job)
{
    AUTO_CLOSE int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (terminal >= 0 && tcgetpgrp(terminal) == getpgrp()) {
        (void)tcsetpgrp(terminal, job->command);
    }
}

/*
 * A server that no signal ends keeps its callers where none reaches them, either. MNT_FORCE makes
 * the kernel answer them (fuse_umount_begin). To find the two names nobody is asked: they are known
 * for ever, or we could be the next to wait.
 */
static void abort_mounts(const struct job *job)
{
    (void)umount2(job->first->plan->mount_path, MNT_FORCE | MNT_DETACH);
    (void)umount2("/", MNT_FORCE | MNT_DETACH);
}

static void obey(struct job *job)
{
    struct message message = {0};
    const struct message frozen = {.kind = MESSAGE_FROZEN};
    const struct message aborted = {.kind = MESSAGE_ABORTED};
    struct failure failure = {0};
    size_t no_fds = 0;

    if (message_receive(job->first->socket, &message, NULL, &no_fds, &failure) < 0) {
        _exit(125); /* no supervisor: no run */
    }
    if (message.kind == MESSAGE_FREEZE) {
        freeze_begin(&job->freeze);
        (void)message_send(job->first->socket, &frozen, NULL, 0);
    } else if (message.kind == MESSAGE_ABORT) {
        abort_mounts(job);
        (void)message_send(job->first->socket, &aborted, NULL, 0);
    } else if (message.kind == MESSAGE_THAW) {
        freeze_end(&job->freeze);
    } else if (message.kind == MESSAGE_CONTINUE && !job->freeze.on) {
        take_the_terminal_back(job);
        (void)kill(-job->command, SIGCONT);
    } else if (message.kind == MESSAGE_SIGNAL && message.signal == SIGTERM) {
        (void)kill(job->command, SIGTERM);
        if (!job->freeze.on) {
            (void)kill(job->command, SIGCONT); /* a stopped one would never see it */
        }
    } else if (message.kind == MESSAGE_SIGNAL) {
        (void)kill(-job->command, message.signal);
    }
}

_Noreturn static void supervise(struct job *job)
{
    struct pollfd fds[] = {
        {.fd = job->signals, .events = POLLIN},
        {.fd = job->first->socket, .events = POLLIN},
    };

    for (;;) {
        if (poll(fds, 2, job->freeze.on ? FREEZE_LOOK_MS : -1) < 0 && errno != EINTR) {
            _exit(125);
        }
        if (job->freeze.on) {
            freeze_look(&job->freeze);
        }
        if (fds[0].revents != 0 && reap(job)) {
            _exit(0);
        }
        if (fds[1].revents != 0) {
            obey(job);
        }
    }
}

static int prepare(const struct first_process *first, struct job *job, int *ret_slave,
                   struct failure *failure)
{
    int error = become_hidden(first);

    if (error == 0) {
        error = view_enter(first->root, first->plan->settings.nested, failure);
    }
    if (error == 0 && streams_want_terminal(first->streams)) {
        error = open_terminal(first, ret_slave);
    }
    if (error == 0) {
        job->signals = watch_signals();
        error = job->signals < 0 ? job->signals : 0;
    }
    return error;
}

static int close_all_but(const struct job *job)
{
    const int kept[] = {job->first->socket, job->signals};

    return descriptors_close_except(kept, sizeof(kept) / sizeof(kept[0]));
}

_Noreturn void first_process_run(const struct first_process *first)
{
    struct job job = {.first = first, .signals = -1};
    struct workload_failure workload_failure = {0};
    struct failure failure = {0};
    int slave = -1;
    int started;
    int error = prepare(first, &job, &slave, &failure);

    if (error < 0) {
        give_up(first->socket, error, &failure);
    }
    error = message_expect(first->socket, MESSAGE_GO, NULL, 0, &failure);
    if (error < 0) {
        _exit(125);
    }
    started = start_command(&job, slave, &workload_failure);
    if (started < 0) {
        give_up(first->socket, started, &failure);
    }
    error = close_all_but(&job);
    if (error < 0) {
        give_up(first->socket, error, &failure);
    }
    error = report_start(&job, started, &workload_failure);
    if (error < 0 || started > 0) {
        _exit(125);
    }
    supervise(&job);
}
