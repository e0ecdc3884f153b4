#include "shared/confine/path_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/confine/tree_overlap.h"

#define LINKS_MAX 40 /* as many as the kernel follows */

struct walk {
    int here;
    unsigned int links;
    char rest[PATH_MAX]; /* still to be walked */
};

static int go_to(struct walk *walk, int directory, const char *name)
{
    int fd = openat(directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0) {
        return -errno;
    }
    close_fd(&walk->here);
    walk->here = fd;
    return 0;
}

static int follow(struct walk *walk, const char *name, const char *after)
{
    char rest[PATH_MAX];
    char target[PATH_MAX];
    ssize_t length = readlinkat(walk->here, name, target, sizeof(target) - 1);

    if (length < 0) {
        return -errno;
    }
    target[length] = '\0';
    if (++walk->links > LINKS_MAX) {
        return -ELOOP;
    }
    if (snprintf(rest, sizeof(rest), "%s/%s", target, after) >= (int)sizeof(rest)) {
        return -ENAMETOOLONG;
    }
    memcpy(walk->rest, rest, sizeof(rest));
    return target[0] == '/' ? go_to(walk, AT_FDCWD, "/") : 0;
}

/* One name. 1 when it was the last. */
static int step(struct walk *walk)
{
    char name[NAME_MAX + 1];
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(start, "/");
    const char *after = start + length;
    struct stat found;

    after += strspn(after, "/");
    if (length == 0) {
        return 1;
    }
    if (length >= sizeof(name)) {
        return -ENAMETOOLONG;
    }
    memcpy(name, start, length);
    name[length] = '\0';
    if (fstatat(walk->here, name, &found, AT_SYMLINK_NOFOLLOW) < 0) {
        return -errno;
    }
    if (S_ISLNK(found.st_mode)) {
        return follow(walk, name, after);
    }
    if (*after == '\0' && !S_ISDIR(found.st_mode)) {
        return 1;
    }
    memmove(walk->rest, after, strlen(after) + 1);
    return go_to(walk, walk->here, name);
}

int path_leads_through(const char *path, int tree, bool *ret_through)
{
    AUTO_FREE struct walk *walk = malloc(sizeof(*walk));
    enum tree_relation relation = TREE_SAME;
    int result;

    if (walk == NULL) {
        return -ENOMEM;
    }
    *walk = (struct walk){.here = -1};
    if (snprintf(walk->rest, sizeof(walk->rest), "%s", path) >= (int)sizeof(walk->rest)) {
        return -ENAMETOOLONG;
    }
    result = go_to(walk, AT_FDCWD, path[0] == '/' ? "/" : ".");
    for (*ret_through = false; result == 0 && !*ret_through;) {
        result = tree_relation_of(tree, walk->here, &relation);
        *ret_through = relation == TREE_SAME || relation == TREE_ABOVE;
        if (result == 0 && !*ret_through) {
            result = step(walk);
        }
    }
    close_fd(&walk->here);
    return result < 0 ? result : 0;
}
