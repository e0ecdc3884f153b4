#include "shared/audit/attachment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/audit/writer_start.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/monotonic.h"

#define TRIES          5U
#define RENEW_PAUSE_NS 100000000U /* between two attempts to find a writer */

static int send_rings(const struct attachment *attachment, int socket,
                      struct attachment_ring *rings[])
{
    int error = send_with_fds(socket, &attachment->hello, sizeof(attachment->hello), NULL, 0);

    for (uint32_t i = 0; error == 0 && i < attachment->hello.ring_count; i++) {
        const struct ring_state *state = atomic_load(&rings[i]->ring.state);
        struct attach_ring message = {.magic = ATTACH_MAGIC,
                                      .version = ATTACH_VERSION,
                                      .kind = ATTACH_RING,
                                      .index = i,
                                      .producer = ATTACH_NO_PRODUCER};

        if (state != NULL) {
            message.consumed = atomic_load(&state->consumed);
            message.producer = atomic_load(&state->producer);
        }
        error = send_with_fds(socket, &message, sizeof(message), &rings[i]->fd, 1);
    }
    return error;
}

/* SR28: a state file that a producer could write would let one producer fake another's progress. */
static int map_state(struct attachment *attachment, struct attachment_ring *rings[], int fd,
                     const struct attach_welcome *welcome)
{
    const int wanted = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    const uint8_t *first;
    void *mapped;

    if (fcntl(fd, F_GET_SEALS) != wanted ||
        welcome->ring_state_offset % _Alignof(struct ring_state) != 0 ||
        welcome->ring_state_offset +
                (uint64_t)attachment->hello.ring_count * sizeof(struct ring_state) >
            welcome->state_bytes) {
        return -EPROTO;
    }
    mapped = mmap(NULL, welcome->state_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    attachment->mapping[attachment->writers].bytes = mapped;
    attachment->mapping[attachment->writers].length = welcome->state_bytes;
    attachment->writers++;
    first = (const uint8_t *)mapped + welcome->ring_state_offset;
    for (uint32_t i = 0; i < attachment->hello.ring_count; i++) {
        atomic_store(&rings[i]->ring.state, (const struct ring_state *)(const void *)first + i);
    }
    atomic_store(&attachment->state, (const struct writer_state *)mapped);
    return 0;
}

static int receive_welcome(struct attachment *attachment, int socket,
                           struct attachment_ring *rings[])
{
    struct attach_welcome welcome;
    int fds[2] = {-1, -1};
    size_t fd_count = 2;
    ssize_t length = receive_with_fds(socket, &welcome, sizeof(welcome), fds, &fd_count);
    AUTO_CLOSE int state = fd_count > 0 ? fds[0] : -1;
    AUTO_CLOSE int wake = fd_count > 1 ? fds[1] : -1;
    int old;
    int error;

    if (length < 0) {
        return (int)length;
    }
    if (length == 0) {
        return -ECONNRESET;
    }
    if (length != (ssize_t)sizeof(welcome) || wake < 0 || welcome.magic != ATTACH_MAGIC ||
        welcome.version != ATTACH_VERSION || welcome.kind != ATTACH_WELCOME) {
        return -EPROTO;
    }
    error = map_state(attachment, rings, state, &welcome);
    if (error < 0) {
        return error;
    }
    /* Under the old number, so that a thread which just writes to it hits the right one. */
    old = atomic_load(&attachment->wake);
    if (old < 0) {
        atomic_store(&attachment->wake, take_fd(&wake));
    } else if (dup3(wake, old, O_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

static int tie(struct attachment *attachment, struct attachment_ring *rings[],
               struct failure *reterr)
{
    AUTO_CLOSE int socket = writer_connect(attachment->directory, reterr);
    int error;

    if (socket < 0) {
        return socket;
    }
    error = send_rings(attachment, socket, rings);
    if (error == 0) {
        error = receive_welcome(attachment, socket, rings);
    }
    if (error < 0) {
        return error;
    }
    if (attachment->socket < 0) {
        attachment->socket = take_fd(&socket);
    } else if (dup3(socket, attachment->socket, O_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

/* A writer may be about to leave just when we connect: it hangs up, and the next try starts one. */
static int tie_with_patience(struct attachment *attachment, struct attachment_ring *rings[],
                             struct failure *reterr)
{
    int error = -ECONNRESET;

    for (unsigned int i = 0; i < TRIES && (error == -ECONNRESET || error == -EPIPE); i++) {
        error = tie(attachment, rings, reterr);
    }
    return error;
}

static int explain(const struct attachment *attachment, int error, struct failure *reterr)
{
    if (error < 0) {
        failure_set(reterr, error, "cannot attach to the audit log's writer of %s: %s",
                    attachment->directory, strerror(-error));
        failure_set_needed(reterr, "every decision is recorded before its effect");
        failure_set_mend(reterr, "failcore audit verify %s", attachment->directory);
    }
    return error;
}

int attachment_make(struct attachment *attachment, struct attachment_ring *rings[],
                    struct failure *reterr)
{
    return explain(attachment, tie_with_patience(attachment, rings, reterr), reterr);
}

int attachment_ask(struct attachment *attachment, struct attachment_ring *rings[],
                   struct failure *reterr)
{
    int error = -ECONNRESET;

    for (unsigned int i = 0; i < TRIES && (error == -ECONNRESET || error == -EPIPE); i++) {
        close_fd(&attachment->socket);
        attachment->socket = writer_connect(attachment->directory, reterr);
        error = attachment->socket < 0 ? attachment->socket
                                       : send_rings(attachment, attachment->socket, rings);
    }
    return explain(attachment, error, reterr);
}

int attachment_hear(struct attachment *attachment, struct attachment_ring *rings[],
                    struct failure *reterr)
{
    return explain(attachment, receive_welcome(attachment, attachment->socket, rings), reterr);
}

bool attachment_is_dead(const struct attachment *attachment)
{
    struct pollfd alarm = {.fd = attachment->socket, .events = POLLIN};
    struct attach_welcome again;
    struct iovec part = {.iov_base = &again, .iov_len = sizeof(again)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t got;

    if (poll(&alarm, 1, 0) == 0) {
        return false;
    }
    /* A writer that took over from one that died as it said WELCOME says it once more: the same, so
     * its descriptors are let go. Another thread may have read it. All else is the end. */
    got = recvmsg(attachment->socket, &message, MSG_DONTWAIT);
    return got != (ssize_t)sizeof(again) && !(got < 0 && errno == EAGAIN);
}

int attachment_renew(struct attachment *attachment, struct attachment_ring *rings[])
{
    struct failure ignored = {0};
    uint64_t now_ns;

    if (!attachment_is_dead(attachment)) {
        return 0;
    }
    now_ns = monotonic_ns();
    if (attachment->writers == ATTACHMENT_WRITERS_MAX ||
        (attachment->last_renewal_ns != 0 &&
         now_ns - attachment->last_renewal_ns < RENEW_PAUSE_NS)) {
        return -EIO;
    }
    attachment->last_renewal_ns = now_ns;
    return tie_with_patience(attachment, rings, &ignored) < 0 ? -EIO : 0;
}

void attachment_wake(const struct attachment *attachment)
{
    const uint64_t one = 1;

    /* A full counter wakes too, and a dead writer is seen by whoever waits. */
    (void)!write(atomic_load(&attachment->wake), &one, sizeof(one));
}

void attachment_clear(struct attachment *attachment)
{
    int wake = atomic_load(&attachment->wake);

    for (unsigned int i = 0; i < attachment->writers; i++) {
        munmap(attachment->mapping[i].bytes, attachment->mapping[i].length);
    }
    close_fd(&attachment->socket);
    close_fd(&wake);
}
