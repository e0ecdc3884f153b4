#include "fusefs/mountpoint_guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define MODE_ATTRIBUTE "user.failcore.mode"

struct proc_path {
    char text[64];
};

static struct proc_path path_of(int directory)
{
    struct proc_path path;

    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", directory);
    return path;
}

int mountpoint_guard_close(int directory, struct timespec *ret_since)
{
    struct proc_path path = path_of(directory);
    struct stat status;
    char mode[16];

    if (fstat(directory, &status) < 0) {
        return -errno;
    }
    snprintf(mode, sizeof(mode), "%04o", (unsigned int)(status.st_mode & 07777));
    if (setxattr(path.text, MODE_ATTRIBUTE, mode, 4, 0) < 0) {
        return -errno;
    }
    if (chmod(path.text, 0) < 0) {
        int error = -errno;

        removexattr(path.text, MODE_ATTRIBUTE);
        return error;
    }
    if (fstat(directory, &status) < 0) {
        return -errno;
    }
    *ret_since = status.st_ctim;
    return 0;
}

bool mountpoint_guard_holds(int directory, const struct timespec *since)
{
    struct stat status;

    return fstat(directory, &status) == 0 && (status.st_mode & 07777) == 0 &&
           status.st_ctim.tv_sec == since->tv_sec && status.st_ctim.tv_nsec == since->tv_nsec;
}

int mountpoint_guard_open(int directory)
{
    struct proc_path path = path_of(directory);
    struct stat status;
    char text[16] = "";
    char *end;
    unsigned long mode;
    ssize_t length;

    if (fstat(directory, &status) < 0) {
        return -errno;
    }
    if ((status.st_mode & 07777) != 0) {
        return 0; /* somebody has given it a mode meanwhile: theirs counts */
    }
    /* user.* of a directory is only for those who may read it, its owner included. */
    if (chmod(path.text, 0700) < 0) {
        return -errno;
    }
    length = getxattr(path.text, MODE_ATTRIBUTE, text, sizeof(text) - 1);
    mode = length > 0 ? strtoul(text, &end, 8) : 0;
    if (length <= 0 || *end != '\0' || mode > 07777) {
        chmod(path.text, 0); /* it was 0000 before us */
        return 0;
    }
    removexattr(path.text, MODE_ATTRIBUTE);
    return chmod(path.text, (mode_t)mode) < 0 ? -errno : 0;
}
