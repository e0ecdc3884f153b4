/*
 * Whether a request's own lengths fit its size. The library believes them; the kernel is trusted,
 * but one wrong length would be read as memory of ours. A request that does not fit ends the
 * session: the mount answers ENOTCONN.
 */
#ifndef FAILCORE_FUSEFS_REQUEST_CHECK_H
#define FAILCORE_FUSEFS_REQUEST_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* `message` begins with struct fuse_in_header. */
bool request_fits(const void *message, size_t length);

#endif
