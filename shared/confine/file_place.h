/*
 * Where a directory lies in its file system, whatever mount it is looked at through: a bind mount
 * of a part of a tree has neither the ancestors nor the path of that part, only this in common.
 *
 * Errors: negative errno. -ENOENT: the mount is not listed in /proc/self/mountinfo (seen from
 * within a chroot), so that nothing can be said.
 */
#ifndef FAILCORE_CONFINE_FILE_PLACE_H
#define FAILCORE_CONFINE_FILE_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct file_place {
    uint64_t device; /* of the file system, as mountinfo has it */
    char path[PATH_MAX];
};

/* Of a descriptor (O_PATH is enough). */
int file_place_of(int fd, struct file_place *ret_place);

/* Whether `below` is the place `above` or lies in it; *ret_rest is then what follows. */
bool file_place_contains(const struct file_place *above, const struct file_place *below,
                         const char **ret_rest);

/*
 * Whether what is at `place` can also be seen at or below the directory `tree`, through any mount
 * there, at a path that is neither `except` nor below it. 1, 0, or an error. A link shows nothing
 * by itself; what does not exist shows nothing.
 */
int file_place_shown_in(const struct file_place *place, const char *tree, const char *except);

#endif
