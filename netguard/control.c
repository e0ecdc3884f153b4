#include "netguard/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netguard/status.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/text_buffer.h"

/* A caller that does not send or read at once is not one of ours. */
static const struct timeval patience = {.tv_usec = 200000};

/* How a user namespace shows ids that it does not know (/proc/sys/kernel/overflowuid). */
#define UNKNOWN_UID 65534U

/* Of a connection: where its maker was when it was made. 0: the kernel does not say. */
static uint64_t network_of(int socket)
{
    uint64_t cookie = 0;
    socklen_t length = sizeof(cookie);

    return getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0 ? 0 : cookie;
}

int control_home(uint64_t *ret_home)
{
    AUTO_CLOSE int socket_here = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (socket_here < 0) {
        return -errno;
    }
    *ret_home = network_of(socket_here);
    return *ret_home == 0 ? -EOPNOTSUPP : 0;
}

/* As our user namespace has it: root, respectively the one user in it. A guard that root has not
 * started does not know root; there the socket's directory says who gets to it. */
static bool peer_may_ask(const struct guard *guard, int socket)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == 0 || (guard->control_is_roots && peer.uid == UNKNOWN_UID)) &&
           (guard->control_home == 0 || guard->control_home == network_of(socket));
}

static void send_status(struct guard *guard, int socket)
{
    AUTO(text_buffer_clear) struct text_buffer text = {.limit = CONTROL_ANSWER_MAX};

    status_write(guard, &text);
    for (size_t at = 0; text_buffer_error(&text) == 0 && at < text.length;) {
        size_t left = text.length - at;
        size_t count = left < CONTROL_MESSAGE_MAX ? left : CONTROL_MESSAGE_MAX;

        if (send(socket, text_buffer_text(&text) + at, count, MSG_NOSIGNAL) < 0) {
            return;
        }
        at += count;
    }
}

static enum control_outcome serve_reload(struct guard *guard, int socket, int policy)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct failure failure = {0};
    int error = guard_reload(guard, policy, &failure);

    if (error == 0) {
        (void)send(socket, "ok", 2, MSG_NOSIGNAL);
        return CONTROL_GO_ON;
    }
    text_buffer_printf(&text, "%s\n%s\n%s", failure.what, failure.needed, failure.mend);
    (void)send(socket, text_buffer_text(&text), text.length, MSG_NOSIGNAL);
    return error == -ENOTRECOVERABLE ? CONTROL_STOP : CONTROL_GO_ON;
}

static void serve_resume(struct guard *guard, int socket)
{
    int error = breaker_resume(&guard->breaker);
    const char *answer = error == 0           ? "ok"
                         : error == -EALREADY ? "the breaker has not tripped\n\n"
                                              : "it cannot be recorded\n\n";

    (void)send(socket, answer, strlen(answer), MSG_NOSIGNAL);
}

enum control_outcome control_serve(struct guard *guard, int listener)
{
    AUTO_CLOSE int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    AUTO_CLOSE int fd = -1;
    size_t fd_count = 1;
    char word[32] = "";
    ssize_t count;

    if (socket < 0 || !peer_may_ask(guard, socket) ||
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
        return CONTROL_GO_ON;
    }
    count = receive_with_fds(socket, word, sizeof(word) - 1, &fd, &fd_count);
    if (count <= 0) {
        return CONTROL_GO_ON;
    }
    if (strcmp(word, "join") == 0) {
        const int fds[2] = {guard->topology.agent, guard->topology.owner};

        (void)send_with_fds(socket, "ok", 2, fds, fds[1] < 0 ? 1 : 2);
    } else if (strcmp(word, "status") == 0) {
        send_status(guard, socket);
    } else if (strcmp(word, "reload") == 0 && fd >= 0) {
        return serve_reload(guard, socket, fd);
    } else if (strcmp(word, "resume") == 0) {
        serve_resume(guard, socket);
    } else if (strcmp(word, "stop") == 0) {
        (void)send(socket, "ok", 2, MSG_NOSIGNAL);
        return CONTROL_STOP;
    }
    return CONTROL_GO_ON;
}
