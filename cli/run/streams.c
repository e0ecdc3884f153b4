#include "cli/run/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

enum { PUMP_INPUT = 0, PUMP_OUTPUT, PUMP_ERROR, PUMP_TERMINAL, PUMP_COUNT };

#define PIECE        65536
#define JOIN_STEP_MS 100

bool streams_want_terminal(const struct streams *streams)
{
    return streams->terminal[0] || streams->terminal[1] || streams->terminal[2];
}

int streams_open(struct streams *streams, uint64_t output_limit, struct failure *reterr)
{
    *streams = (struct streams){
        .inner = {-1, -1, -1},
        .outer = {-1, -1, -1},
        .master = -1,
        .tty = -1,
        .budget = {.limit = output_limit, .alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
    };
    if (streams->budget.alarm < 0) {
        return failure_set(reterr, -errno, "cannot make an event: %s", strerror(errno));
    }
    for (int fd = 0; fd <= 2; fd++) {
        int ends[2];

        streams->terminal[fd] = isatty(fd) == 1;
        if (streams->terminal[fd]) {
            streams->tty = streams->tty < 0 ? fd : streams->tty;
            continue;
        }
        if (pipe2(ends, O_CLOEXEC) < 0) {
            return failure_set(reterr, -errno, "cannot make a pipe: %s", strerror(errno));
        }
        streams->inner[fd] = fd == 0 ? ends[0] : ends[1];
        streams->outer[fd] = fd == 0 ? ends[1] : ends[0];
    }
    return 0;
}

void streams_close_inner(struct streams *streams)
{
    for (int fd = 0; fd <= 2; fd++) {
        close_fd(&streams->inner[fd]);
    }
}

void streams_set_master(struct streams *streams, int master)
{
    streams->master = master;
    streams_copy_window_size(streams);
}

void streams_copy_window_size(const struct streams *streams)
{
    struct winsize size;

    if (streams->master >= 0 && streams->tty >= 0 && ioctl(streams->tty, TIOCGWINSZ, &size) == 0) {
        (void)ioctl(streams->master, TIOCSWINSZ, &size);
    }
}

/* How much of `wanted` may still go out. */
static size_t take_budget(struct stream_budget *budget, size_t wanted)
{
    uint64_t before = atomic_fetch_add(&budget->used, wanted);
    uint64_t left = before >= budget->limit ? 0 : budget->limit - before;

    if (left >= wanted) {
        return wanted;
    }
    (void)eventfd_write(budget->alarm, 1);
    return (size_t)left;
}

/* Until the end of the run's output. Nobody reads on the other side: closing our end tells the
 * writer. A terminal master gives EIO when the last process of the run has closed it. */
static void *pump_outwards(void *argument)
{
    struct stream_pump *pump = argument;
    char piece[PIECE];

    for (;;) {
        size_t allowed;
        ssize_t got = read(pump->from, piece, sizeof(piece));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        allowed = take_budget(pump->budget, (size_t)got);
        if (write_all(pump->to, piece, allowed) < 0) {
            break;
        }
        if (allowed < (size_t)got) {
            return NULL; /* our end stays open: the command is stopped, not told by a SIGPIPE */
        }
    }
    close_fd(&pump->from);
    return NULL;
}

/* Waits for input, but no longer than the run listens. False: it does not any more. */
static bool wait_for_input(const struct stream_pump *pump)
{
    struct pollfd fds[] = {
        {.fd = pump->from, .events = POLLIN},
        {.fd = pump->watched, .events = 0},
    };

    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

static void *pump_inwards(void *argument)
{
    struct stream_pump *pump = argument;
    char piece[PIECE];

    while (wait_for_input(pump)) {
        ssize_t got = read(pump->from, piece, sizeof(piece));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || write_all(pump->to, piece, (size_t)got) < 0) {
            break;
        }
    }
    if (pump->watched >= 0) {
        close_fd(&pump->to); /* the end of the file, for the command */
    }
    return NULL;
}

static int start(struct stream_pump *pump, void *(*body)(void *), int from, int to, int watched,
                 struct stream_budget *budget)
{
    int error;

    pump->from = from;
    pump->to = to;
    pump->watched = watched;
    pump->budget = budget;
    error = pthread_create(&pump->thread, NULL, body, pump);
    pump->started = error == 0;
    return -error;
}

int streams_start(struct streams *streams, struct failure *reterr)
{
    int error = 0;

    if (streams->terminal[0]) {
        error = start(&streams->pumps[PUMP_INPUT], pump_inwards, 0, streams->master, -1, NULL);
    } else {
        int to = take_fd(&streams->outer[0]);

        /* Whole before the thread runs: an input that ends at once must end the command's, too. */
        error = start(&streams->pumps[PUMP_INPUT], pump_inwards, 0, to, to, NULL);
    }
    for (int fd = 1; error == 0 && fd <= 2; fd++) {
        if (!streams->terminal[fd]) {
            error = start(&streams->pumps[fd], pump_outwards, take_fd(&streams->outer[fd]), fd, -1,
                          &streams->budget);
        }
    }
    if (error == 0 && streams_want_terminal(streams)) {
        int to = streams->terminal[1] ? 1 : streams->tty;
        int from = fcntl(streams->master, F_DUPFD_CLOEXEC, 3);

        error = from < 0 ? -errno
                         : start(&streams->pumps[PUMP_TERMINAL], pump_outwards, from, to, -1,
                                 &streams->budget);
    }
    return error < 0 ? failure_set(reterr, error, "cannot start a thread: %s", strerror(-error))
                     : 0;
}

void streams_terminal_enter(struct streams *streams)
{
    struct termios raw;

    /* In the background the terminal is somebody else's: changing it would stop us. */
    if (!streams->terminal[0] || streams->raw || tcgetpgrp(0) != getpgrp() ||
        tcgetattr(0, &streams->saved) < 0) {
        return;
    }
    raw = streams->saved;
    cfmakeraw(&raw);
    if (!streams->terminal[1]) {
        raw.c_oflag = streams->saved.c_oflag; /* others of the pipeline write to it as well */
    }
    streams->raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
    streams_copy_window_size(streams);
}

void streams_terminal_leave(struct streams *streams)
{
    if (streams->raw) {
        /* What was typed and not read, or put there by the run, is not for the caller's shell. */
        (void)tcsetattr(0, TCSAFLUSH, &streams->saved);
        streams->raw = false;
    }
}

/* glibc cannot join with a poll: the thread is asked in small steps, which only a stuck reader
 * outside ever makes long. */
static bool join(struct stream_pump *pump, int give_up_fd, int *left_ms)
{
    for (;;) {
        struct timespec until;
        struct pollfd give_up = {.fd = give_up_fd, .events = POLLIN};

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += JOIN_STEP_MS * 1000000L;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        if (pthread_clockjoin_np(pump->thread, NULL, CLOCK_MONOTONIC, &until) == 0) {
            pump->started = false;
            return true;
        }
        if (give_up_fd >= 0 && poll(&give_up, 1, 0) > 0) {
            return false;
        }
        if (*left_ms >= 0) {
            *left_ms -= JOIN_STEP_MS;
            if (*left_ms <= 0) {
                return false;
            }
        }
    }
}

void streams_drain(struct streams *streams, int give_up_fd, int timeout_ms)
{
    for (int i = PUMP_OUTPUT; i < PUMP_COUNT; i++) {
        if (streams->pumps[i].started && !join(&streams->pumps[i], give_up_fd, &timeout_ms)) {
            return;
        }
    }
}

void streams_close(struct streams *streams)
{
    streams_terminal_leave(streams);
    streams_close_inner(streams);
    for (int fd = 0; fd <= 2; fd++) {
        close_fd(&streams->outer[fd]);
    }
    /* The alarm stays open for a pump that nobody waited for: that one sits in a read or a write of
     * the caller's descriptor, and ends with the process. */
    for (int i = 0; i < PUMP_COUNT; i++) {
        if (streams->pumps[i].started) {
            (void)pthread_detach(streams->pumps[i].thread);
            streams->pumps[i].started = false;
        }
    }
}

uint64_t streams_output_bytes(const struct streams *streams)
{
    return atomic_load(&streams->budget.used);
}
