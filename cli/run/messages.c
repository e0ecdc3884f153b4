#include "cli/run/messages.h"

#include <errno.h>
#include <unistd.h>

#include "shared/base/file_io.h"

int message_send(int socket, const struct message *message, const int *fds, size_t fd_count)
{
    return send_with_fds(socket, message, sizeof(*message), fds, fd_count);
}

int message_receive(int socket, struct message *ret_message, int *fds, size_t *fd_count,
                    struct failure *reterr)
{
    struct message message = {0};
    ssize_t got = receive_with_fds(socket, &message, sizeof(message), fds, fd_count);

    if (got < 0) {
        return (int)got;
    }
    if (got == 0) {
        return -EPIPE;
    }
    if (got != sizeof(message)) {
        return -EPROTO;
    }
    if (message.kind == MESSAGE_FAILED) {
        *reterr = message.failure;
        return message.error > 0 ? -message.error : -EIO;
    }
    *ret_message = message;
    return 0;
}

int message_expect(int socket, enum message_kind kind, int *fds, size_t fd_count,
                   struct failure *reterr)
{
    struct message message = {0};
    size_t got = fd_count;
    int error = message_receive(socket, &message, fds, &got, reterr);

    if (error == -EPIPE) {
        return failure_set(reterr, error, "the process that prepares the run ended unexpectedly");
    }
    if (error < 0) {
        return failure_set(reterr, error, "the process that prepares the run failed");
    }
    if (message.kind != kind || got != fd_count) {
        for (size_t i = 0; i < got; i++) {
            close(fds[i]);
        }
        return failure_set(reterr, -EPROTO, "unexpected message %d from the run", message.kind);
    }
    return 0;
}

void message_send_failure(int socket, int error, const struct failure *failure)
{
    struct message message = {.kind = MESSAGE_FAILED, .failure = *failure};

    message.error = error < 0 ? -error : error;
    (void)message_send(socket, &message, NULL, 0);
}
