/*
 * Which descriptors a process keeps, and which one crosses an execve.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_CONFINE_DESCRIPTORS_H
#define FAILCORE_CONFINE_DESCRIPTORS_H

#include <stddef.h>

#define DESCRIPTORS_KEPT_MAX 32

/* Closes every descriptor that is not in `kept` (any order; -1 is passed over), 0-2 included. */
int descriptors_close_except(const int *kept, size_t count);

/* Clears close-on-exec: the one descriptor goes to the next program under its own number. */
int descriptor_inherit(int fd);

/* Makes /dev/null of each of 0, 1, 2 that is closed, so that no later open becomes one of them. */
int descriptors_fill_standard(void);

#endif
