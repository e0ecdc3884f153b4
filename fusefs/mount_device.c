#include "fusefs/mount_device.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/mount_helper.h"
#include "shared/base/cleanup.h"

#define MOUNT_TYPE "fuse.failcore"

int mount_device_open(const struct mount_request *request, int *ret_device, struct failure *reterr)
{
    AUTO_CLOSE int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    unsigned long flags = 0;
    char options[256];
    char target[64];
    int error;

    if (device < 0) {
        error = -errno;
        failure_set(reterr, error, "cannot open /dev/fuse: %s", strerror(-error));
        failure_set_needed(reterr, "every mount");
        failure_set_mend(reterr, error == -ENOENT || error == -ENODEV
                                     ? "modprobe fuse"
                                     : "run as a user who may open /dev/fuse");
        return error;
    }
    if (!request->devices) {
        flags |= MS_NODEV;
    }
    if (!request->setuid) {
        flags |= MS_NOSUID;
    }
    snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s", device,
             S_IFDIR, (unsigned int)request->user, (unsigned int)request->group,
             request->all_users ? ",allow_other" : "",
             request->permissions ? ",default_permissions" : "");
    /* Through the descriptor: what the path names cannot change in between. */
    snprintf(target, sizeof(target), "/proc/self/fd/%d", request->mountpoint);
    if (mount(request->source, target, MOUNT_TYPE, flags, options) < 0) {
        error = -errno;
        failure_set(reterr, error, "cannot mount: %s", strerror(-error));
        failure_set_mend(reterr, "run as root, or let failcore run mount it for you");
        return error;
    }
    *ret_device = take_fd(&device);
    return 0;
}

/* Undoes the octal escapes of /proc/self/mountinfo, in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
            from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The topmost mount at the path. proc_pid_mountinfo(5) has the fields. -ENOENT: not ours. */
int mount_device_number(const char *path, unsigned int *ret_number)
{
    AUTO_FCLOSE FILE *table = fopen("/proc/self/mountinfo", "re");
    AUTO_FREE char *line = NULL;
    size_t size = 0;
    int found = -ENOENT;

    while (table != NULL && getline(&line, &size, table) > 0) {
        char *rest = line;
        char *fields[5] = {0};
        const char *type;
        unsigned int minor_number;

        for (int i = 0; i < 5 && rest != NULL; i++) {
            fields[i] = strsep(&rest, " ");
        }
        type = rest == NULL ? NULL : strstr(rest, " - ");
        if (type == NULL || sscanf(fields[2], "%*u:%u", &minor_number) != 1) {
            continue;
        }
        unescape(fields[4]);
        if (strcmp(fields[4], path) == 0) {
            found = strncmp(type + 3, MOUNT_TYPE " ", sizeof(MOUNT_TYPE)) == 0 ? 0 : -ENOENT;
            *ret_number = minor_number;
        }
    }
    return found;
}

bool mount_device_is_ours(const char *path)
{
    unsigned int unused;

    return mount_device_number(path, &unused) == 0;
}

int mount_device_close(const char *path, bool lazily, struct failure *reterr)
{
    int error;

    if (!mount_device_is_ours(path)) {
        failure_set(reterr, -EINVAL, "%s is not a mount of failcore-mount", path);
        failure_set_mend(reterr, "findmnt -t " MOUNT_TYPE " lists them");
        return -EINVAL;
    }
    if (umount2(path, UMOUNT_NOFOLLOW | (lazily ? MNT_DETACH : 0)) < 0) {
        error = -errno;
        if (error == -EPERM && geteuid() != 0) {
            return mount_helper_close(path, lazily, reterr);
        }
        failure_set(reterr, error, "cannot unmount %s: %s", path, strerror(-error));
        failure_set_mend(reterr, error == -EBUSY ? "close what is open below it (fuser -m names it)"
                                                 : "run as the user who mounted it");
        return error;
    }
    return 0;
}
