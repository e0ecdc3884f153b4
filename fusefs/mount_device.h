/*
 * Mounting and unmounting: the one place that calls mount(2). Who may not unmount does so by
 * fusermount3 (mount_helper.h).
 *
 * Errors: negative errno, explained in *reterr.
 */
#ifndef FAILCORE_FUSEFS_MOUNT_DEVICE_H
#define FAILCORE_FUSEFS_MOUNT_DEVICE_H

#include <stdbool.h>
#include <sys/types.h>

#include "shared/base/failure.h"

struct mount_request {
    const char *source; /* shown in the mount table, nothing more */
    int mountpoint;     /* O_PATH descriptor of the directory */
    uid_t user;         /* who may use it, when not all may */
    gid_t group;
    bool all_users;   /* allow_other */
    bool permissions; /* default_permissions: the kernel checks modes */
    bool devices;     /* device nodes can be opened through it */
    bool setuid;      /* set-id bits have effect on it */
};

/* A new /dev/fuse descriptor mounted over the directory; the caller owns it. */
int mount_device_open(const struct mount_request *request, int *ret_device, struct failure *reterr);

/*
 * Unmounts what one of our servers has mounted at `path`; anything else there is -EINVAL. `lazily`:
 * even while it is in use.
 */
int mount_device_close(const char *path, bool lazily, struct failure *reterr);

/* The minor device number of our mount there, by which the kernel names its connection. */
int mount_device_number(const char *path, unsigned int *ret_number);

/* Whether a mount of ours lies at exactly this path (its server may be dead). */
bool mount_device_is_ours(const char *path);

#endif
