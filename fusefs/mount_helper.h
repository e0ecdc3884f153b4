/*
 * fusermount3(1): mounts and unmounts for users who may not call mount(2).
 *
 * It is set-user-id root and checks by itself that the directory is the user's to mount over. The
 * mount is nosuid and nodev, whatever the policy says. Found by PATH, as everything that a user
 * runs; it gets no descriptor of ours but the socket that the device comes back by.
 *
 * Errors: negative errno, explained in *reterr; what the program says goes to standard error.
 */
#ifndef FAILCORE_FUSEFS_MOUNT_HELPER_H
#define FAILCORE_FUSEFS_MOUNT_HELPER_H

#include <stdbool.h>

#include "fusefs/mount_device.h"

/* Over the directory at `path`, which the user must be able to write; `request->mountpoint` is not
 * looked at. The device is the caller's alone: the program has ended. */
int mount_helper_open(const char *path, const struct mount_request *request, int *ret_device,
                      struct failure *reterr);
int mount_helper_close(const char *path, bool lazily, struct failure *reterr);

#endif
