#include "auditd/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#define DEPTH_MAX 8 /* tile/LEVEL/xNNN/xNNN/NNN */

static void find_user(struct identity *identity)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char text[4096];

    identity->uid = IDENTITY_UNUSED;
    identity->gid = IDENTITY_UNUSED;
    if (getpwnam_r(IDENTITY_USER, &entry, text, sizeof(text), &found) == 0 && found != NULL &&
        found->pw_uid != 0) {
        identity->uid = found->pw_uid;
        identity->gid = found->pw_gid;
    }
}

static int give_below(int directory, const struct identity *identity, unsigned int depth)
{
    AUTO_CLOSEDIR DIR *listing = NULL;
    struct dirent *row;
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (listing = fdopendir(fd)) == NULL) {
        return -errno;
    }
    while ((row = readdir(listing)) != NULL) {
        AUTO_CLOSE int below = -1;
        struct stat status;

        if (strcmp(row->d_name, ".") == 0 || strcmp(row->d_name, "..") == 0 ||
            (depth == 0 && strcmp(row->d_name, "reports") == 0)) {
            continue;
        }
        /* Only what root made: a second name of somebody's file stays his. */
        if (fstatat(directory, row->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            status.st_uid != 0 || (!S_ISDIR(status.st_mode) && status.st_nlink != 1)) {
            continue;
        }
        if (fchownat(directory, row->d_name, identity->uid, identity->gid, AT_SYMLINK_NOFOLLOW) <
            0) {
            return -errno;
        }
        if (!S_ISDIR(status.st_mode) || depth == DEPTH_MAX) {
            continue;
        }
        below = openat(directory, row->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (below < 0) {
            return -errno;
        }
        fd = give_below(below, identity, depth + 1);
        if (fd < 0) {
            return fd;
        }
    }
    return 0;
}

int identity_choose(int directory, struct identity *ret_identity)
{
    struct identity identity = {.is_separate = true};
    struct stat status;
    int error;

    *ret_identity = (struct identity){0};
    if (geteuid() != 0) {
        return 0;
    }
    if (fstat(directory, &status) < 0) {
        return -errno;
    }
    identity.uid = status.st_uid;
    identity.gid = status.st_gid;
    if (status.st_uid == 0) {
        find_user(&identity);
        /* The directory itself last: while it is root's, a start that was cut short is made again.
         */
        error = give_below(directory, &identity, 0);
        if (error == 0 && fchown(directory, identity.uid, identity.gid) < 0) {
            error = -errno;
        }
        if (error < 0) {
            return error == -EPERM || error == -EINVAL ? 0 : error;
        }
    }
    *ret_identity = identity;
    return 0;
}

int identity_assume(const struct identity *identity)
{
    if (!identity->is_separate) {
        return 0;
    }
    return setgroups(0, NULL) < 0 || setegid(identity->gid) < 0 || seteuid(identity->uid) < 0
               ? -errno
               : 0;
}

int identity_settle(const struct identity *identity)
{
    uid_t real;
    uid_t effective;
    uid_t saved;

    if (!identity->is_separate) {
        return 0;
    }
    if (seteuid(0) < 0 || setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0) {
        return -errno;
    }
    if (getresuid(&real, &effective, &saved) < 0 || real != identity->uid ||
        effective != identity->uid || saved != identity->uid || seteuid(0) == 0) {
        return -EPERM;
    }
    return 0;
}

struct identity identity_raise(void)
{
    struct identity before = {.uid = geteuid(), .gid = getegid()};

    if (before.uid != 0 && getuid() == 0) {
        before.is_separate = seteuid(0) == 0 && setegid(0) == 0;
    }
    return before;
}

void identity_lower(const struct identity *before)
{
    if (before->is_separate && (setegid(before->gid) < 0 || seteuid(before->uid) < 0)) {
        abort(); /* root by mistake is worse than no writer */
    }
}
