#include "shared/confine/tree_overlap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/cleanup.h"
#include "shared/confine/file_place.h"

#define DEPTH_MAX                                                                                  \
    4096 /* PATH_MAX components cannot be exceeded by a path; a walk can end sooner                \
          */

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The parent directory. What may not be searched tells its parent by its path: that is the same
 * directory, unless it was moved this moment. */
static int open_parent(int directory)
{
    char link[32];
    char path[PATH_MAX];
    ssize_t length;
    char *slash;
    int up = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (up >= 0 || errno != EACCES) {
        return up >= 0 ? up : -errno;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
    length = readlink(link, path, sizeof(path) - 1);
    if (length <= 0) {
        return -EACCES;
    }
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL) {
        return -EACCES;
    }
    slash[slash == path ? 1 : 0] = '\0';
    up = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return up < 0 ? -errno : up;
}

/* Whether `wanted` is `directory` or one of its ancestors. 1, 0, or an error. */
static int has_ancestor(int directory, const struct stat *wanted)
{
    AUTO_CLOSE int here = fcntl(directory, F_DUPFD_CLOEXEC, 3);
    struct stat here_stat;

    if (here < 0 || fstat(here, &here_stat) < 0) {
        return -errno;
    }
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        AUTO_CLOSE int up = -1;
        struct stat up_stat;

        if (same(&here_stat, wanted)) {
            return 1;
        }
        up = open_parent(here);
        if (up < 0 || fstat(up, &up_stat) < 0) {
            return up < 0 ? up : -errno;
        }
        if (same(&up_stat, &here_stat)) {
            return 0; /* the root is its own parent */
        }
        close_fd(&here);
        here = take_fd(&up);
        here_stat = up_stat;
    }
    return -ELOOP;
}

/* Then the ancestors have said all. Kernels that do not tell are taken at no word. */
static bool in_one_mount(int a, int b)
{
    struct statx status_a;
    struct statx status_b;

    return statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &status_a) == 0 &&
           statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &status_b) == 0 &&
           (status_a.stx_mask & status_b.stx_mask & STATX_MNT_ID) != 0 &&
           status_a.stx_mnt_id == status_b.stx_mnt_id;
}

/* A bind mount of a part of a tree has other ancestors than that part: the file system's own. */
static int relation_of_places(int a, int b, enum tree_relation *ret_relation)
{
    AUTO_FREE struct file_place *places = malloc(2 * sizeof(*places));
    const char *rest;
    int error = places == NULL ? -ENOMEM : file_place_of(a, &places[0]);

    error = error < 0 ? error : file_place_of(b, &places[1]);
    if (error < 0) {
        return error == -ENOENT ? 0 : error;
    }
    if (file_place_contains(&places[0], &places[1], &rest)) {
        *ret_relation = rest[0] == '\0' ? TREE_SAME : TREE_ABOVE;
    } else if (file_place_contains(&places[1], &places[0], &rest)) {
        *ret_relation = TREE_BELOW;
    }
    return 0;
}

int tree_relation_of(int a, int b, enum tree_relation *ret_relation)
{
    struct stat stat_a;
    struct stat stat_b;
    int above;
    int below;

    if (fstat(a, &stat_a) < 0 || fstat(b, &stat_b) < 0) {
        return -errno;
    }
    if (!S_ISDIR(stat_a.st_mode) || !S_ISDIR(stat_b.st_mode)) {
        return -ENOTDIR;
    }
    if (same(&stat_a, &stat_b)) {
        *ret_relation = TREE_SAME;
        return 0;
    }
    above = has_ancestor(b, &stat_a);
    below = has_ancestor(a, &stat_b);
    if (above < 0 || below < 0) {
        return above < 0 ? above : below;
    }
    *ret_relation = above > 0 ? TREE_ABOVE : below > 0 ? TREE_BELOW : TREE_DISJOINT;
    return *ret_relation == TREE_DISJOINT && !in_one_mount(a, b)
               ? relation_of_places(a, b, ret_relation)
               : 0;
}

/* *ret_exact is false when an ancestor stands for the path. */
static int open_nearest(const char *path, bool *ret_exact)
{
    char text[PATH_MAX];
    int length = snprintf(text, sizeof(text), "%s", path);

    if (length < 0 || (size_t)length >= sizeof(text)) {
        return -ENAMETOOLONG;
    }
    *ret_exact = true;
    for (;;) {
        int fd = open(text[0] == '\0' ? "." : text, O_PATH | O_DIRECTORY | O_CLOEXEC);
        char *slash;

        if (fd >= 0) {
            return fd;
        }
        if (errno != ENOENT && errno != ENOTDIR) {
            return -errno;
        }
        *ret_exact = false;
        slash = strrchr(text, '/');
        if (slash == NULL) {
            text[0] = '\0';
        } else if (slash == text) {
            text[1] = '\0';
        } else {
            *slash = '\0';
        }
    }
}

int tree_relation_of_paths(const char *a, const char *b, enum tree_relation *ret_relation)
{
    bool exact_a;
    bool exact_b;
    AUTO_CLOSE int fd_a = open_nearest(a, &exact_a);
    AUTO_CLOSE int fd_b = open_nearest(b, &exact_b);
    enum tree_relation relation;
    int error;

    if (fd_a < 0 || fd_b < 0) {
        return fd_a < 0 ? fd_a : fd_b;
    }
    error = tree_relation_of(fd_a, fd_b, &relation);
    if (error < 0) {
        return error;
    }
    /* Something new below an ancestor contains nothing that exists; two new ones with the same
     * ancestor may be one another: TREE_SAME stays the answer. */
    if (!exact_a && exact_b) {
        relation = relation == TREE_SAME || relation == TREE_BELOW ? TREE_BELOW : TREE_DISJOINT;
    } else if (exact_a && !exact_b) {
        relation = relation == TREE_SAME || relation == TREE_ABOVE ? TREE_ABOVE : TREE_DISJOINT;
    }
    *ret_relation = relation;
    return 0;
}
