#include "cli/run/daemon.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/late_arguments.h"
#include "shared/base/program_path.h"
#include "shared/confine/descriptors.h"
#include "shared/confine/process_handle.h"

#define DISMISS_MS 5000

int daemon_sockets(int *ret_ours, int *ret_theirs, struct failure *reterr)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return failure_set(reterr, -errno, "cannot make a socket: %s", strerror(errno));
    }
    *ret_ours = ends[0];
    *ret_theirs = ends[1];
    return 0;
}

_Noreturn static void become(const char *path, const char *run, int socket)
{
    char number[12];
    const char *const words[] = {path, "--run", run, LATE_ARGUMENTS_OPTION, number, NULL};
    sigset_t none;

    snprintf(number, sizeof(number), "%d", socket);
    /* Standard error is the command's: a daemon's errors come over the descriptor meant for them.
     * Out of the terminal's reach, too: Ctrl-C is for the command. */
    (void)setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (descriptor_inherit(socket) < 0 || descriptors_close_except(&socket, 1) < 0 ||
        descriptors_fill_standard() < 0 || chdir("/") < 0) {
        _exit(125);
    }
    execv(path, (char *const *)(uintptr_t)words);
    _exit(127);
}

int daemon_call(const char *name, const char *run, struct waiting_daemon *ret_waiting,
                struct failure *reterr)
{
    char path[PATH_MAX];
    AUTO_CLOSE int ours = -1;
    AUTO_CLOSE int theirs = -1;
    int handle = -1;
    pid_t pid;
    int error = program_path_sibling(name, path);

    if (error < 0) {
        failure_set(reterr, error, "%s is not installed beside failcore", name);
        failure_set_mend(reterr, "install the whole package");
        return error;
    }
    error = daemon_sockets(&ours, &theirs, reterr);
    if (error < 0) {
        return error;
    }
    pid = process_fork(&handle);
    if (pid < 0) {
        return failure_set(reterr, (int)pid, "cannot start %s: %s", name, strerror((int)-pid));
    }
    if (pid == 0) {
        become(path, run, theirs);
    }
    *ret_waiting = (struct waiting_daemon){.daemon = {.name = name, .handle = handle},
                                           .arguments = take_fd(&ours)};
    return 0;
}

void daemon_dismiss(struct waiting_daemon *waiting)
{
    close_fd(&waiting->arguments);
    (void)daemon_kill(&waiting->daemon, DISMISS_MS);
}

int daemon_ended_early(const struct daemon *daemon, struct failure *reterr)
{
    failure_set(reterr, -EIO, "%s ended before it was ready", daemon->name);
    failure_set_mend(reterr, "failcore doctor");
    return -EIO;
}

int daemon_tell(struct waiting_daemon *waiting, const struct daemon_words *words,
                struct daemon *ret_daemon, struct failure *reterr)
{
    AUTO_CLOSE int socket = take_fd(&waiting->arguments);
    int error =
        late_arguments_send(socket, words->words, words->count, words->fds, words->fd_count);

    *ret_daemon = waiting->daemon;
    waiting->daemon = (struct daemon){.handle = -1};
    return error == -EPIPE ? daemon_ended_early(ret_daemon, reterr)
           : error < 0     ? failure_set(reterr, error, "cannot start %s: %s", ret_daemon->name,
                                         strerror(-error))
                           : 0;
}

int daemon_kill(struct daemon *daemon, int timeout_ms)
{
    struct process_end end;
    int error;

    if (daemon->name == NULL) {
        return 0;
    }
    (void)process_handle_signal(daemon->handle, SIGKILL);
    error = process_handle_wait(daemon->handle, timeout_ms);
    if (error == 0) {
        (void)process_handle_reap(daemon->handle, &end);
    }
    close_fd(&daemon->handle);
    daemon->name = NULL;
    return error;
}

void daemon_ask(const struct daemon *daemon)
{
    if (daemon->name != NULL) {
        (void)process_handle_signal(daemon->handle, SIGTERM);
    }
}

void daemon_leave(struct daemon *daemon, int *said, int timeout_ms)
{
    struct pollfd end = {.fd = *said, .events = POLLIN};

    if (daemon->name == NULL) {
        return;
    }
    daemon_ask(daemon);
    /* Readable as well when it has ended without a word. */
    if (*said < 0 || poll(&end, 1, timeout_ms) != 1) {
        (void)process_handle_signal(daemon->handle, SIGKILL);
    }
    close_fd(said);
    close_fd(&daemon->handle);
    daemon->name = NULL;
}
