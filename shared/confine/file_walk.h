/*
 * The names of all regular files and symbolic links below a directory, without a stat(2) of each:
 * what can be said of a file by its name alone is said first, and most are none that anybody asks
 * for. Other file systems mounted below are walked, too; links are not followed.
 *
 * Errors: negative errno; what the walker returned when that was not 0. Directories that may not be
 * read, or that vanish meanwhile, are left out.
 */
#ifndef FAILCORE_CONFINE_FILE_WALK_H
#define FAILCORE_CONFINE_FILE_WALK_H

#include <stdbool.h>
#include <sys/types.h>

struct walked_file {
    const char *path; /* absolute */
    const char *name; /* its last component, to be used with `directory` */
    int directory;
    ino_t inode; /* 0: this file system's directories do not say it for sure */
    bool is_link;
};

/* Anything but 0 ends the walk. */
typedef int file_walker(void *context, const struct walked_file *file);

/* `root` is an absolute path of a directory that is no link itself. */
int file_walk(const char *root, file_walker *walker, void *context);

#endif
