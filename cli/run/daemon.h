/*
 * One of the programs that a run is made of besides the command, from its call to its end.
 *
 * It is called before it is known what it is to do, and waits for that once it is loaded
 * (shared/base/late_arguments.h): so its loader works while the plan is made, which is a tenth of
 * the start of a run.
 *
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_DAEMON_H
#define FAILCORE_CLI_RUN_DAEMON_H

#include <stddef.h>

#include "shared/base/failure.h"
#include "shared/base/file_io.h"

struct daemon {
    const char *name; /* NULL: not started */
    int handle;
};

struct waiting_daemon {
    struct daemon daemon;
    int arguments; /* the socket it listens on */
};

#define WAITING_DAEMON_NONE                                                                        \
    {                                                                                              \
        .daemon = {.handle = -1}, .arguments = -1                                                  \
    }

#define DAEMON_WORDS_MAX 40

/* What it is told: words, and the descriptors that the empty ones stand for, in their order. */
struct daemon_words {
    const char *words[DAEMON_WORDS_MAX];
    size_t count;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count;
};

/* Two ends that keep messages apart (SOCK_SEQPACKET), close-on-exec. */
int daemon_sockets(int *ret_ours, int *ret_theirs, struct failure *reterr);

/* `name` has to live as long as the daemon. The run's id is on its command line: whose it is is to
 * be seen. */
int daemon_call(const char *name, const char *run, struct waiting_daemon *ret_waiting,
                struct failure *reterr);
/* One that has not been told what to do ends; nothing to do for one that has. */
void daemon_dismiss(struct waiting_daemon *waiting);
/* From here on it is the caller's, also when it could not be told. */
int daemon_tell(struct waiting_daemon *waiting, const struct daemon_words *words,
                struct daemon *ret_daemon, struct failure *reterr);

/* Fills *reterr in: -EIO. */
int daemon_ended_early(const struct daemon *daemon, struct failure *reterr);

/* SIGTERM, without waiting. */
void daemon_ask(const struct daemon *daemon);
/* Asks it to leave and waits until it has recorded all it knows, which the end of `said` says (the
 * guard's socket, the server's pipe); what the kernel takes apart after that nobody waits for.
 * Killed when it does not say so within `timeout_ms`. */
void daemon_leave(struct daemon *daemon, int *said, int timeout_ms);
/* At once. -ETIMEDOUT: it has not ended by then, since it waits in the kernel for what no signal
 * ends (a disk that answers nobody), and nobody waits for it. */
int daemon_kill(struct daemon *daemon, int timeout_ms);

#endif
