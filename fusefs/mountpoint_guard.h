/*
 * The directory under a mount, while something is mounted on it.
 *
 * Whoever looks below the mount (it was unmounted, or never came up) must not find a directory
 * that looks like the workspace and takes writes: so its mode is 0000 while we are mounted. The
 * mode it had is kept in an extended attribute of its own until it is given back, at unmount or,
 * after a crash, at the next start.
 *
 * Errors: negative errno.
 */
#ifndef FAILCORE_FUSEFS_MOUNTPOINT_GUARD_H
#define FAILCORE_FUSEFS_MOUNTPOINT_GUARD_H

#include <stdbool.h>
#include <time.h>

/*
 * `directory` is O_PATH. Nothing is changed on failure. -EROFS is fine: nobody writes there.
 * *ret_since tells this closing from another's.
 */
int mountpoint_guard_close(int directory, struct timespec *ret_since);
/* Closed, and not opened or closed by anybody since. */
bool mountpoint_guard_holds(int directory, const struct timespec *since);
/* Gives the mode back; 0 also when the directory was not guarded. */
int mountpoint_guard_open(int directory);

#endif
