/* What opening, creating and making a file without a name have in common (fs_open.c). */
#ifndef FAILCORE_FUSEFS_FS_OPENING_H
#define FAILCORE_FUSEFS_FS_OPENING_H

#include <fcntl.h>

#include "fusefs/fs_request.h"

/* What the lower open(2) gets; truncation waits until the object is known to be the right one. */
#define FS_OPENING_FLAGS                                                                           \
    (O_ACCMODE | O_APPEND | O_DSYNC | O_SYNC | O_DIRECT | O_NOATIME | O_LARGEFILE)

/* The operations (1 << enum fs_operation) that an open with these flags asks for. */
unsigned int fs_opening_needs(int flags);

/* openat(2) with O_CREAT or O_TMPFILE: done as the caller, and with its umask. */
int fs_opening_make(const struct fs_request *request, int directory, const char *name, int flags,
                    mode_t mode, int *ret_fd);

/* One more open file of the node. Takes the descriptor over, the pin is its own. */
int fs_opening_add(struct fs_request *request, struct node *node, int taken_fd, int flags,
                   unsigned int needs, mode_t mode, uint64_t *ret_handle);

#endif
