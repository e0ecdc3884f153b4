/*
 * Where our own programs are: beside the one that runs (a build tree, /usr/bin), else in the
 * installed libexec directory. PATH is never asked: it belongs to whoever started us.
 */
#ifndef FAILCORE_BASE_PROGRAM_PATH_H
#define FAILCORE_BASE_PROGRAM_PATH_H

#include <limits.h>

/* The absolute path of an executable sibling. -ENOENT, -ENAMETOOLONG, or as readlink(2). */
int program_path_sibling(const char *name, char ret_path[static PATH_MAX]);

/*
 * Where vendor data (policies, schemas) lies: the installed data directory, or the checkout that
 * a build tree belongs to. The path has no final slash.
 */
int program_path_data(char ret_path[static PATH_MAX]);

#endif
