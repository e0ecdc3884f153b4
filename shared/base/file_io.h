/*
 * Whole reads, whole writes, and descriptors through sockets.
 *
 * Errors: negative errno. EINTR is handled here and never returned.
 */
#ifndef FAILCORE_BASE_FILE_IO_H
#define FAILCORE_BASE_FILE_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "shared/base/text_buffer.h"

/* All `length` bytes, or an error. */
int write_all(int fd, const void *bytes, size_t length);

/*
 * All bytes, or -EAGAIN when whoever reads a pipe, socket or terminal has not made room for them
 * in time: what was written until then stays written. Everything else takes what it is given.
 */
int write_within(int fd, const void *bytes, size_t length, int timeout_ms);

/* Up to `length` bytes, short only at the end of the file. Returns the count. */
ssize_t read_upto(int fd, void *bytes, size_t length);

/* From the descriptor's offset to its end. More than `limit` bytes: -EFBIG, nothing appended. */
int read_to_end(int fd, size_t limit, struct text_buffer *text);

/*
 * For reading, close-on-exec. Only a file: a name that somebody else may have made can be a FIFO
 * that never opens, a device, or a link to anything. -EBADMSG for all of these.
 */
int open_plain_file(int directory, const char *path);

/* A small text file written in one write(2): /proc and /sys want it so. */
int write_text_at(int directory, const char *path, const char *text);

/* A sealed, read-only-by-seal memory file holding the bytes; the caller owns the descriptor. */
int memory_file_from(const char *name, const void *bytes, size_t length);
/* All of a file, whatever the descriptor's offset is, which processes share. -EFBIG as above,
 * -ESPIPE: it is no file. */
int memory_file_read(int fd, size_t limit, struct text_buffer *text);

#define FD_MESSAGE_MAX 8 /* most descriptors in one message */

/*
 * One message with up to FD_MESSAGE_MAX descriptors over a unix socket (unix(7), SCM_RIGHTS).
 * Sending borrows the descriptors. Receiving gives them to the caller, close-on-exec; more
 * descriptors than `*fd_count`, or a cut message, is -EPROTO and leaves none open. Returns the
 * number of bytes; 0 is the end of the stream. *fd_count is in: room, out: received.
 */
int send_with_fds(int socket, const void *bytes, size_t length, const int *fds, size_t fd_count);
ssize_t receive_with_fds(int socket, void *bytes, size_t length, int *fds, size_t *fd_count);

#endif
