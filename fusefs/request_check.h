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

/*
 * The library knows no open(2) with O_TMPFILE. It is laid out as FUSE_CREATE and becomes one, told
 * from the others by its name, which is that of no file: the "/" of the kernel's own nameless
 * dentry. For messages that fit.
 */
#define REQUEST_NAMELESS "/"
void request_translate(void *message);

#endif
