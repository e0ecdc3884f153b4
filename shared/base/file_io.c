#include "shared/base/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"

int write_all(int fd, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t written = write(fd, next, length);

        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        next += written;
        length -= (size_t)written;
    }
    return 0;
}

/* The same pipe or terminal by a description of our own, since the flag would be that of all who
 * share theirs. Not for a file: it has an offset. */
static int open_without_waiting(int fd)
{
    char path[32];
    struct stat found;

    if (fstat(fd, &found) < 0 ||
        (!S_ISFIFO(found.st_mode) && (!S_ISCHR(found.st_mode) || isatty(fd) == 0))) {
        return -1;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A socket takes a flag for it; where a pipe cannot be opened again, only its room is asked. */
static ssize_t write_some(int fd, int own, const char *bytes, size_t length)
{
    ssize_t sent =
        own >= 0 ? write(own, bytes, length) : send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

    return sent < 0 && own < 0 && errno == ENOTSOCK ? write(fd, bytes, length) : sent;
}

int write_within(int fd, const void *bytes, size_t length, int timeout_ms)
{
    AUTO_CLOSE int own = open_without_waiting(fd);
    const uint64_t until = monotonic_ms() + (uint64_t)timeout_ms;
    const char *next = bytes;

    while (length > 0) {
        const uint64_t now = monotonic_ms();
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        int ready = poll(&room, 1, now < until ? (int)(until - now) : 0);
        ssize_t written = ready > 0 ? write_some(fd, own, next, length) : -1;

        if (written >= 0) {
            next += written;
            length -= (size_t)written;
        } else if (ready == 0) {
            return -EAGAIN;
        } else if (errno != EINTR && errno != EAGAIN) {
            return -errno;
        }
    }
    return 0;
}

ssize_t read_upto(int fd, void *bytes, size_t length)
{
    char *next = bytes;
    size_t left = length;

    while (left > 0) {
        ssize_t got = read(fd, next, left);

        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        if (got == 0) {
            break;
        }
        next += got;
        left -= (size_t)got;
    }
    return (ssize_t)(length - left);
}

int read_to_end(int fd, size_t limit, struct text_buffer *text)
{
    AUTO(text_buffer_clear) struct text_buffer read = {0};
    char piece[16384];

    for (;;) {
        ssize_t got = read_upto(fd, piece, sizeof(piece));

        if (got < 0) {
            return (int)got;
        }
        if (got == 0) {
            break;
        }
        if (read.length + (size_t)got > limit) {
            return -EFBIG;
        }
        text_buffer_append(&read, (struct str_view){.bytes = piece, .length = (size_t)got});
    }
    text_buffer_append(text, text_buffer_view(&read));
    return read.error != 0 ? read.error : text->error;
}

int memory_file_read(int fd, size_t limit, struct text_buffer *text)
{
    char piece[16384];
    off_t at = 0;

    for (;;) {
        ssize_t got = pread(fd, piece, sizeof(piece), at);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            return text_buffer_error(text);
        }
        at += got;
        if ((size_t)at > limit) {
            return -EFBIG;
        }
        text_buffer_append(text, (struct str_view){.bytes = piece, .length = (size_t)got});
    }
}

int open_plain_file(int directory, const char *path)
{
    AUTO_CLOSE int fd =
        openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat status;

    if (fd < 0) {
        return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno; /* a link; a socket */
    }
    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    return S_ISREG(status.st_mode) ? take_fd(&fd) : -EBADMSG;
}

int write_text_at(int directory, const char *path, const char *text)
{
    AUTO_CLOSE int fd = openat(directory, path, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);
    ssize_t written;

    if (fd < 0) {
        return -errno;
    }
    written = write(fd, text, length);
    if (written < 0) {
        return -errno;
    }
    return (size_t)written == length ? 0 : -EIO;
}

int memory_file_from(const char *name, const void *bytes, size_t length)
{
    AUTO_CLOSE int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, bytes, length);
    if (error < 0) {
        return error;
    }
    if (lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        return -errno;
    }
    return take_fd(&fd);
}

union fd_control {
    char bytes[CMSG_SPACE(sizeof(int) * FD_MESSAGE_MAX)];
    struct cmsghdr alignment;
};

int send_with_fds(int socket, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
    union fd_control control = {0};
    struct iovec vector = {.iov_len = length};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    ssize_t sent;

    if (length == 0 || fd_count > FD_MESSAGE_MAX) {
        return -EINVAL;
    }
    memcpy(&vector.iov_base, &bytes, sizeof(bytes)); /* sendmsg(2) only reads it */
    if (fd_count > 0) {
        struct cmsghdr *header;

        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return -errno;
    }
    return (size_t)sent == length ? 0 : -EIO;
}

/* Keeps the first `room` descriptors of the message, closes the rest. Returns how many came. */
static size_t collect_fds(struct msghdr *message, int *fds, size_t room)
{
    size_t count = 0;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        size_t here;

        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (count < room) {
                fds[count] = fd;
            } else {
                close(fd);
            }
            count++;
        }
    }
    return count;
}

ssize_t receive_with_fds(int socket, void *bytes, size_t length, int *fds, size_t *fd_count)
{
    union fd_control control = {0};
    struct iovec vector = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t got;
    size_t count;

    do {
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return -errno;
    }
    count = collect_fds(&message, fds, *fd_count);
    if (count > *fd_count || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        for (size_t i = 0; i < count && i < *fd_count; i++) {
            close(fds[i]);
        }
        *fd_count = 0;
        return -EPROTO;
    }
    *fd_count = count;
    return got;
}
