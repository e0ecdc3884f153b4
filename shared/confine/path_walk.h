/*
 * Every directory that a path leads through, links included: who can write one of them can lead the
 * path elsewhere the next time.
 */
#ifndef FAILCORE_CONFINE_PATH_WALK_H
#define FAILCORE_CONFINE_PATH_WALK_H

#include <stdbool.h>

/*
 * Whether resolving `path`, which exists, looks anything up in the directory `tree` (a descriptor)
 * or below it. -ELOOP for more links than the kernel follows, others as open(2) and readlink(2).
 */
int path_leads_through(const char *path, int tree, bool *ret_through);

#endif
