/*
 * The run's standard descriptors: pipes, or one pty for those that are a terminal outside. No
 * descriptor of ours or of the caller's goes in, since a read-only one could be opened again for
 * writing through /proc/self/fd.
 *
 * One thread per direction copies the bytes, unchanged. When nobody reads any more on one side,
 * the pipe on the other side is closed too, so that a writer gets its SIGPIPE.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CLI_RUN_STREAMS_H
#define FAILCORE_CLI_RUN_STREAMS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "shared/base/failure.h"

/* What the command may write in all; passing it is told once, and nothing more goes out. */
struct stream_budget {
    _Atomic uint64_t used;
    uint64_t limit; /* UINT64_MAX: none */
    int alarm;      /* an eventfd, readable once it is used up */
};

struct stream_pump {
    pthread_t thread;
    bool started;
    int from; /* owned when it is the run's side */
    int to;
    int watched;                  /* of the input pump: the pipe whose reader may leave; -1 */
    struct stream_budget *budget; /* of the outgoing ones */
};

struct streams {
    bool terminal[3]; /* which of 0, 1, 2 are the pty */
    int inner[3];     /* the run's ends of the pipes; -1 where it is the pty */
    int outer[3];     /* ours; -1 where it is the pty */
    int master;       /* of the pty; -1 until the run has made it */
    int tty;          /* the caller's descriptor that is its terminal; -1 */
    bool raw;
    struct termios saved;
    struct stream_pump pumps[4]; /* in, out, error, pty to terminal */
    struct stream_budget budget;
};

/* Looks at the caller's descriptors and makes the pipes. */
int streams_open(struct streams *streams, uint64_t output_limit, struct failure *reterr);
bool streams_want_terminal(const struct streams *streams);
/* After the run's processes were made: ours are the only copies left here. */
void streams_close_inner(struct streams *streams);
/* Takes the pty's master. */
void streams_set_master(struct streams *streams, int master);
int streams_start(struct streams *streams, struct failure *reterr);

/* The caller's terminal: raw while the run is in the foreground. */
void streams_terminal_enter(struct streams *streams);
void streams_terminal_leave(struct streams *streams);
void streams_copy_window_size(const struct streams *streams);

/* Everything that the run wrote has reached the caller when this returns. Only after the run has
 * ended: then every writer is gone. `give_up_fd` readable, or `timeout_ms` (-1: none) over, ends
 * the wait for a reader outside that does not read. */
void streams_drain(struct streams *streams, int give_up_fd, int timeout_ms);
void streams_close(struct streams *streams);

/* What the command wrote so far. */
uint64_t streams_output_bytes(const struct streams *streams);

#endif
