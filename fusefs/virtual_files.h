/*
 * What has no backing: the directory `.failcore` at the mount root and the file `denials` in it.
 * Reachable by name, never listed, read-only, under no policy: it tells the caller about refusals
 * that the caller has had already.
 */
#ifndef FAILCORE_FUSEFS_VIRTUAL_FILES_H
#define FAILCORE_FUSEFS_VIRTUAL_FILES_H

#include "fusefs/operations.h"

#define VIRTUAL_DIRECTORY_ID 2u
#define VIRTUAL_DENIALS_ID   3u

static inline bool virtual_is(uint64_t node)
{
    return node == VIRTUAL_DIRECTORY_ID || node == VIRTUAL_DENIALS_ID;
}

/* True when this name in this directory is ours to answer; *ret_error 0 or negative errno. */
bool virtual_lookup(struct tree *tree, uint64_t directory, struct str_view name,
                    struct fs_entry *ret_entry, int *ret_error);
/* Of one of the two numbers above. */
void virtual_status(const struct tree *tree, uint64_t node, struct statx *ret_status);
/* The refusals at this moment, as a file that can be read through its handle. -EACCES for
 * anything but reading. */
int virtual_open(struct tree *tree, const struct caller *caller, uint64_t node, int flags,
                 uint64_t *ret_handle);
/* An empty listing. */
int virtual_opendir(struct tree *tree, uint64_t node, uint64_t *ret_handle);

/* What user.failcore.why says of an object: a line per refused operation, "" when none is. */
int virtual_why(struct tree *tree, const struct node *node, struct text_buffer *text);

#endif
