/*
 * The id maps of a user namespace (user_namespaces(7), "User and group ID mappings").
 *
 * Errors: negative errno. -EPERM is the kernel's "this map is not yours to write".
 */
#ifndef FAILCORE_CONFINE_USER_MAP_H
#define FAILCORE_CONFINE_USER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct user_map_range {
    uint32_t inside;  /* first id in the new namespace */
    uint32_t outside; /* first id as the writer sees it: its own namespace, or the parent's */
    uint32_t count;
};

struct user_map {
    const struct user_map_range *users;
    size_t user_count;
    const struct user_map_range *groups;
    size_t group_count;
    bool deny_setgroups; /* a writer without CAP_SETGID outside must */
};

#define USER_MAP_RANGES_MAX 16

/* Writes both maps of the namespace that `pid` is in; 0: of the caller's own. Once only. */
int user_map_write(pid_t pid, const struct user_map *map);

/*
 * Highest user id that this process's own namespace maps: the upper end of the ids that it could
 * hand out. The first namespace of a machine gives 4294967294.
 */
int user_map_own_highest(uint32_t *ret_highest);

#endif
