#include "auditd/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auditd/identity.h"
#include "auditd/service.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/monotonic.h"

#define QUICK_MS     200U /* a writer that lived shorter died of something that may come again */
#define PAUSE_MAX_MS 50U  /* between two writers */
#define RETRY_MS     100U /* after one that could not begin */

enum told { TOLD_READY = 1, TOLD_LINK, TOLD_RING, TOLD_WELCOMED, TOLD_GONE };

struct keeper_message {
    uint32_t told;
    uint32_t number; /* first line, or index of the ring */
    uint64_t id;
    struct attach_hello hello;
};

static int tell(int channel, const struct keeper_message *message, int fd)
{
    return send_with_fds(channel, message, sizeof(*message), &fd, fd < 0 ? 0 : 1);
}

static int tell_ready(int channel)
{
    const struct keeper_message message = {.told = TOLD_READY};

    return tell(channel, &message, -1);
}

int keeper_tell_link(int channel, uint64_t id, uint32_t first_line,
                     const struct attach_hello *hello, int socket)
{
    const struct keeper_message message = {
        .told = TOLD_LINK, .number = first_line, .id = id, .hello = *hello};

    return tell(channel, &message, socket);
}

int keeper_tell_ring(int channel, uint64_t id, uint32_t index, int fd)
{
    const struct keeper_message message = {.told = TOLD_RING, .number = index, .id = id};

    return tell(channel, &message, fd);
}

int keeper_tell_welcomed(int channel, uint64_t id)
{
    const struct keeper_message message = {.told = TOLD_WELCOMED, .id = id};

    return tell(channel, &message, -1);
}

int keeper_tell_gone(int channel, uint64_t id)
{
    const struct keeper_message message = {.told = TOLD_GONE, .id = id};

    return tell(channel, &message, -1);
}

static struct keeper_link *find(struct keeper *keeper, uint64_t id)
{
    for (unsigned int i = 0; i < keeper->link_count; i++) {
        if (keeper->links[i].id == id) {
            return &keeper->links[i];
        }
    }
    return NULL;
}

static void drop(struct keeper *keeper, struct keeper_link *link)
{
    for (unsigned int i = 0; i < link->ring_count; i++) {
        close_fd(&link->ring_fd[i]);
    }
    free(link->ring_fd);
    close_fd(&link->socket);
    *link = keeper->links[--keeper->link_count];
}

static void keep_link(struct keeper *keeper, const struct keeper_message *message, int *fd)
{
    struct keeper_link *link = &keeper->links[keeper->link_count];

    if (*fd < 0 || keeper->link_count == LINKS_MAX ||
        message->hello.ring_count > ATTACH_RINGS_MAX) {
        return;
    }
    *link = (struct keeper_link){.id = message->id,
                                 .hello = message->hello,
                                 .first_line = message->number,
                                 .ring_fd = calloc(message->hello.ring_count, sizeof(int))};
    if (link->ring_fd != NULL) {
        link->socket = take_fd(fd);
        keeper->link_count++;
    }
}

static void keep_ring(struct keeper *keeper, const struct keeper_message *message, int *fd)
{
    struct keeper_link *link = find(keeper, message->id);

    if (link != NULL && *fd >= 0 && message->number == link->ring_count &&
        link->ring_count < link->hello.ring_count) {
        link->ring_fd[link->ring_count++] = take_fd(fd);
    }
}

/* One message of the writer. True: it serves. */
static bool listen_to_writer(struct keeper *keeper, int channel)
{
    struct keeper_message message;
    size_t fd_count = 1;
    int got = -1;
    ssize_t length = receive_with_fds(channel, &message, sizeof(message), &got, &fd_count);
    AUTO_CLOSE int fd = length > 0 && fd_count == 1 ? got : -1;
    struct keeper_link *link;

    if (length != (ssize_t)sizeof(message)) {
        return false;
    }
    switch (message.told) {
    case TOLD_READY:
        return true;
    case TOLD_LINK:
        keep_link(keeper, &message, &fd);
        break;
    case TOLD_RING:
        keep_ring(keeper, &message, &fd);
        break;
    case TOLD_WELCOMED:
        link = find(keeper, message.id);
        if (link != NULL) {
            link->is_welcomed = true;
        }
        break;
    case TOLD_GONE:
        link = find(keeper, message.id);
        if (link != NULL) {
            drop(keeper, link);
        }
        break;
    default:
        break;
    }
    return false;
}

static int forget_stdio(void)
{
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0) {
        return -errno;
    }
    return 0;
}

/* The lock is the keeper's: without it there must be no writer. */
static int die_with(pid_t keeper)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : getppid() != keeper ? -ESRCH : 0;
}

/* Opens the log as its owner and then is nobody else any more. */
static int open_as_owner(const struct server_options *options, pid_t keeper,
                         struct server **ret_server, struct failure *reterr)
{
    struct identity identity;
    int error = identity_choose(options->directory_fd, &identity);

    if (error == 0) {
        error = identity_assume(&identity);
    }
    if (error < 0) {
        return failure_set(reterr, error, "cannot give the log %s to its writer's user: %s",
                           options->directory, strerror(-error));
    }
    error = server_new(options, ret_server, reterr);
    if (error < 0) {
        return error;
    }
    error = identity_settle(&identity);
    if (error == 0) {
        error = die_with(keeper); /* another user forgets it (prctl(2)) */
    }
    if (error == 0 && prctl(PR_SET_DUMPABLE, 0) < 0) {
        error = -errno;
    }
    if (error < 0) {
        server_free(*ret_server);
        return failure_set(reterr, error, "cannot give up root: %s", strerror(-error));
    }
    return 0;
}

/* The writer process. Its exit code says whether it ended by itself. */
static int write_log(const struct server_options *options, pid_t keeper, bool foreground,
                     const char *program)
{
    struct failure failure = {0};
    struct server *server;
    int error = open_as_owner(options, keeper, &server, &failure);

    if (error == 0) {
        error = tell_ready(options->keeper_channel);
        if (error == 0 && !foreground) {
            error = forget_stdio();
        }
        if (error == 0) {
            error = server_run(server);
        }
        server_free(server);
        if (error < 0) {
            failure_set(&failure, error, "the log of %s: %s", options->directory, strerror(-error));
        }
    }
    if (error < 0) {
        failure_print(stderr, program, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}

static pid_t start_writer(struct server_options *options, const int channel[2], bool foreground,
                          const char *program)
{
    pid_t keeper = getpid();
    pid_t pid = fork();

    if (pid != 0) {
        return pid;
    }
    if (die_with(keeper) < 0) {
        _exit(EXIT_CODE_FAILCORE_FAILED);
    }
    close(channel[0]);
    options->keeper_channel = channel[1];
    _exit(write_log(options, keeper, foreground, program));
}

/* Until the writer ends; returns how, as waitpid(2) says it. *ret_served: it came to serve. */
static int attend(struct keeper *keeper, pid_t writer, int channel, int signals, bool foreground,
                  bool *ret_served)
{
    int status = 0;

    for (;;) {
        struct pollfd polls[2] = {{.fd = channel, .events = POLLIN},
                                  {.fd = signals, .events = POLLIN}};
        struct signalfd_siginfo signal;

        if (poll(polls, 2, -1) < 0) {
            continue;
        }
        if ((polls[0].revents & POLLIN) != 0) {
            if (listen_to_writer(keeper, channel)) {
                *ret_served = true;
                if (!foreground) {
                    (void)forget_stdio();
                }
            }
            continue; /* all it said, before its death is looked at */
        }
        if ((polls[1].revents & POLLIN) != 0 &&
            read(signals, &signal, sizeof(signal)) == sizeof(signal) &&
            signal.ssi_signo != SIGCHLD) {
            keeper->stopping = true;
            kill(writer, (int)signal.ssi_signo);
        }
        if (waitpid(writer, &status, WNOHANG) == writer) {
            while (poll(polls, 1, 0) > 0 && (polls[0].revents & POLLIN) != 0) {
                (void)listen_to_writer(keeper, channel);
            }
            return status;
        }
    }
}

static int watch_signals(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
        return -errno;
    }
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* Several descriptors for each ring of each producer. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void rest_between_writers(uint64_t lived_ms, unsigned int *pause_ms)
{
    struct timespec pause;

    if (lived_ms >= QUICK_MS) {
        *pause_ms = 0;
        return;
    }
    pause = (struct timespec){.tv_nsec = *pause_ms % 1000 * 1000000L, .tv_sec = *pause_ms / 1000};
    nanosleep(&pause, NULL);
    *pause_ms = *pause_ms == 0 ? 1 : *pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : *pause_ms * 2;
}

/* These were not welcomed: hung up on, they try again. Who has handed over all rings may have been,
 * and may have published since; the next writer says it once more. */
static void drop_unfinished(struct keeper *keeper)
{
    for (unsigned int i = 0; i < keeper->link_count;) {
        if (keeper->links[i].ring_count == keeper->links[i].hello.ring_count) {
            i++;
        } else {
            drop(keeper, &keeper->links[i]);
        }
    }
}

/*
 * What producers have published is in no other hands: a writer that cannot begin (no memory, no
 * descriptors, a full disk) is tried again for as long as a writer would try to write. Until one
 * serves, nothing more is promised.
 */
static bool may_try_again(const struct server_options *options, const struct keeper *keeper,
                          uint64_t last_served_ms)
{
    const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};

    if (keeper->link_count == 0 || keeper->stopping ||
        monotonic_ms() - last_served_ms >= options->give_up_ms) {
        return false;
    }
    atomic_store(&options->service->state->error, EIO);
    atomic_store(&options->service->state->condition, WRITER_FAILED);
    nanosleep(&pause, NULL);
    return true;
}

static int keep_writing(struct server_options *options, struct keeper *keeper, const int channel[2],
                        bool foreground, const char *program)
{
    AUTO_CLOSE int signals = watch_signals();
    unsigned int pause_ms = 0;
    uint64_t last_served_ms = monotonic_ms();

    if (signals < 0) {
        return signals;
    }
    for (;;) {
        uint64_t since = monotonic_ms();
        pid_t writer = start_writer(options, channel, foreground, program);
        bool served = false;
        int status;

        if (writer < 0) {
            return -errno;
        }
        status = attend(keeper, writer, channel[0], signals, foreground, &served);
        drop_unfinished(keeper);
        last_served_ms = served ? monotonic_ms() : last_served_ms;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE_OK) {
            return 0;
        }
        if (WIFEXITED(status) && (served || !may_try_again(options, keeper, last_served_ms))) {
            return -ECHILD;
        }
        rest_between_writers(monotonic_ms() - since, &pause_ms);
    }
}

int keeper_run(struct server_options *options, bool foreground, const char *program,
               struct failure *reterr)
{
    struct service service;
    struct keeper *keeper = calloc(1, sizeof(*keeper));
    int channel[2] = {-1, -1};
    int error;

    if (keeper == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    raise_descriptor_limit();
    error = service_open(&service, options->directory, options->listener, reterr);
    if (error == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
        error = failure_set(reterr, -errno, "cannot start the log writer: %s", strerror(errno));
    }
    if (error == 0) {
        options->service = &service;
        options->keeper = keeper;
        error = keep_writing(options, keeper, channel, foreground, program);
        if (error < 0 && error != -ECHILD) {
            failure_set(reterr, error, "cannot start the log writer: %s", strerror(-error));
        }
    }
    while (keeper->link_count > 0) {
        drop(keeper, &keeper->links[0]);
    }
    close_fd(&channel[0]);
    close_fd(&channel[1]);
    service_close(&service);
    free(keeper);
    return error;
}
