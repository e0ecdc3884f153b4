/*
 * What the supervisor, the process that makes the run's namespaces, and the run's first process
 * say to each other over one SOCK_SEQPACKET pair. All three are copies of the same program, so
 * a message is a struct. The workload never holds this socket.
 */
#ifndef FAILCORE_CLI_RUN_MESSAGES_H
#define FAILCORE_CLI_RUN_MESSAGES_H

#include <stddef.h>

#include "shared/base/failure.h"

enum message_kind {
    MESSAGE_FAILED = 0,   /* failure, error; the sender leaves */
    MESSAGE_ENTER,        /* to setup: the network namespace and its owner, as descriptors */
    MESSAGE_WANT_MAPS,    /* from setup: the user namespace is there; write its maps */
    MESSAGE_MAPS_READY,   /* to setup */
    MESSAGE_MOUNTED,      /* from setup: the workspace's device, the root's, its names */
    MESSAGE_STARTED,      /* from setup: the first process's handle */
    MESSAGE_TERMINAL,     /* from first: the pty's master */
    MESSAGE_GO,           /* to first: start the command */
    MESSAGE_WATCHED,      /* from first: the listener of its execs; before EXECUTED */
    MESSAGE_EXECUTED,     /* from first: it runs */
    MESSAGE_NOT_EXECUTED, /* from first: error is why */
    MESSAGE_STOPPED,      /* from first: stopped by a job-control signal */
    MESSAGE_SIGNAL,       /* to first: signal for the command */
    MESSAGE_CONTINUE,     /* to first: into the foreground again */
    MESSAGE_FREEZE,       /* to first: stop all processes of the run */
    MESSAGE_FROZEN,       /* from first: that is done */
    MESSAGE_THAW,         /* to first: and let them go on */
    MESSAGE_ABORT,        /* to first: answer in place of the server, with an error */
    MESSAGE_ABORTED,      /* from first: that is done */
    MESSAGE_ENDED,        /* from first: exit_code or signal */
};

struct message {
    enum message_kind kind;
    int error;     /* positive errno */
    int exit_code; /* -1: a signal ended it */
    int signal;
    char resolver[48]; /* with MESSAGE_ENTER: address as text; "" without a guard */
    struct failure failure;
};

#define MESSAGE_FDS_MAX 3

int message_send(int socket, const struct message *message, const int *fds, size_t fd_count);

/*
 * Blocks. *fd_count is in: room, out: received. -EPIPE: the other side is gone. A MESSAGE_FAILED
 * is returned as its error, with *reterr filled.
 */
int message_receive(int socket, struct message *ret_message, int *fds, size_t *fd_count,
                    struct failure *reterr);

/* Receives, and wants exactly this kind with exactly this many descriptors. */
int message_expect(int socket, enum message_kind kind, int *fds, size_t fd_count,
                   struct failure *reterr);

/* Sends a MESSAGE_FAILED; what cannot be sent is lost with the sender. */
void message_send_failure(int socket, int error, const struct failure *failure);

#endif
