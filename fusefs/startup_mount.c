#include "fusefs/startup_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fusefs/mount_device.h"
#include "fusefs/mount_helper.h"
#include "fusefs/mountpoint_guard.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/confine/tree_overlap.h"

/* A mount of ours whose server has died lies in the way: it answers ENOTCONN to everybody. */
static int open_mountpoint(struct startup *startup, struct failure *reterr)
{
    const char *path = startup->options.mountpoint;
    struct statfs status;
    int fd;

    if (statfs(path, &status) < 0 && errno == ENOTCONN) {
        (void)mount_device_close(startup->mountpoint_path, true, reterr);
    }
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

enum exit_code startup_check_mountpoint(struct startup *startup, struct failure *reterr)
{
    enum tree_relation relation = TREE_SAME;
    int r;

    if (realpath(startup->options.mountpoint, startup->mountpoint_path) == NULL) {
        snprintf(startup->mountpoint_path, sizeof(startup->mountpoint_path), "%s",
                 startup->options.mountpoint);
    }
    startup->mountpoint = open_mountpoint(startup, reterr);
    if (startup->mountpoint < 0) {
        failure_set(reterr, startup->mountpoint, "cannot open the mountpoint %s: %s",
                    startup->options.mountpoint, strerror(-startup->mountpoint));
        failure_set_mend(reterr, "mkdir %s", startup->options.mountpoint);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (mount_device_is_ours(startup->mountpoint_path)) {
        failure_set(reterr, -EBUSY, "%s is mounted already", startup->mountpoint_path);
        failure_set_mend(reterr, "failcore-mount --unmount %s", startup->mountpoint_path);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    r = tree_relation_of(startup->source, startup->mountpoint, &relation);
    if (r < 0 || relation == TREE_ABOVE || relation == TREE_BELOW) {
        failure_set(reterr, -EINVAL, "%s and %s lie inside one another", startup->options.source,
                    startup->options.mountpoint);
        failure_set_mend(reterr, "mount elsewhere, or over the source itself");
        return EXIT_CODE_USAGE;
    }
    /* Mounting over SOURCE itself needs no guard: it is what is served. */
    if (relation == TREE_SAME) {
        return EXIT_CODE_OK;
    }
    /* After a crash of the server before us the directory is still shut: its own mode first. */
    r = mountpoint_guard_open(startup->mountpoint);
    if (r == 0) {
        r = mountpoint_guard_close(startup->mountpoint, &startup->guarded_since);
    }
    if (r < 0 && r != -EROFS) {
        failure_set(reterr, r, "cannot shut the directory under the mount: %s", strerror(-r));
        failure_set_needed(reterr, "nobody may take it for the workspace when the mount is gone");
        failure_set_mend(reterr, "mount over a directory of yours, on a file system with user "
                                 "extended attributes, or over the source itself");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    startup->guarded = r == 0;
    return EXIT_CODE_OK;
}

/*
 * The device itself, or the socket that it comes over once it is mounted; then the run's root comes
 * with it, as a second device and a file of the names in it.
 */
static enum exit_code take_session(struct startup *startup, int *ret_device, struct failure *reterr)
{
    const int fd = startup->options.session_fd;
    int fds[3] = {-1, -1, -1};
    struct stat found;
    size_t count = 3;
    char byte;

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fstat(fd, &found) < 0) {
        failure_set(reterr, -errno, "--session-fd is not an open descriptor");
        return EXIT_CODE_USAGE;
    }
    if (!S_ISSOCK(found.st_mode)) {
        *ret_device = fd;
        return EXIT_CODE_OK;
    }
    if (receive_with_fds(fd, &byte, 1, fds, &count) != 1 || (count != 1 && count != 3)) {
        failure_set(reterr, -EPIPE, "the mount was not handed over");
        return EXIT_CODE_FAILCORE_FAILED;
    }
    close(fd);
    *ret_device = fds[0];
    startup->view = fds[1];
    startup->view_names = fds[2];
    return EXIT_CODE_OK;
}

/*
 * An ordinary user's: by fusermount3, which wants a directory that this user can write. So it is
 * shut once the mount covers it, and its descriptor leads below the mount still.
 */
static int mount_by_helper(struct startup *startup, const struct mount_request *request,
                           int *ret_device, struct failure *reterr)
{
    struct failure ignored = {0};
    int r = startup->guarded ? mountpoint_guard_open(startup->mountpoint) : 0;

    if (r == 0) {
        r = mount_helper_open(startup->mountpoint_path, request, ret_device, reterr);
    }
    if (r == 0 && startup->guarded) {
        r = mountpoint_guard_close(startup->mountpoint, &startup->guarded_since);
        if (r < 0) {
            close_fd(ret_device);
            (void)mount_helper_close(startup->mountpoint_path, true, &ignored);
            failure_set(reterr, r, "cannot shut the directory under the mount: %s", strerror(-r));
        }
    }
    return r;
}

enum exit_code startup_mount(struct startup *startup, int *ret_device, struct failure *reterr)
{
    const struct mount_options *options = &startup->options;
    struct fs_settings settings = policy_fs_settings(startup->policy);
    struct mount_request request = {
        .source = options->source,
        .mountpoint = startup->mountpoint,
        .user = startup->tree.owner_uid,
        .group = startup->tree.owner_gid,
        .all_users = options->shared,
        .permissions = options->shared,
        .devices = settings.devices,
        .setuid = settings.setuid,
    };

    struct failure own = {0};
    int r;

    if (options->session_fd >= 0) {
        return take_session(startup, ret_device, reterr);
    }
    r = mount_device_open(&request, ret_device, &own);
    if ((r == -EPERM || r == -EACCES) && geteuid() != 0) {
        r = mount_by_helper(startup, &request, ret_device, reterr);
    } else if (r < 0) {
        *reterr = own;
    }
    if (r < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    startup->mounted = true;
    return EXIT_CODE_OK;
}

enum exit_code startup_mount_for_owner(struct startup *startup, int *ret_device,
                                       struct failure *reterr)
{
    const struct fs_settings settings = policy_fs_settings(startup->policy);
    struct mount_request request = {
        .source = startup->options.source,
        .mountpoint = startup->mountpoint,
        .devices = settings.devices,
        .setuid = settings.setuid,
    };
    struct stat owner;

    if (fstat(startup->source, &owner) < 0) {
        failure_set(reterr, -errno, "cannot look at the source %s: %s", request.source,
                    strerror(errno));
        return EXIT_CODE_FAILCORE_FAILED;
    }
    request.user = owner.st_uid;
    request.group = owner.st_gid;
    return mount_device_open(&request, ret_device, reterr) < 0 ? EXIT_CODE_FAILCORE_FAILED
                                                               : EXIT_CODE_OK;
}

bool startup_is_mounted(struct startup *startup)
{
    if (!startup->mounted || startup->gone) {
        return false;
    }
    startup->gone = !mount_device_is_ours(startup->mountpoint_path);
    return !startup->gone;
}

static void leave_control(struct startup *startup)
{
    struct stat there;

    if (startup->control >= 0 && stat(startup->control_path, &there) == 0 &&
        there.st_ino == startup->control_inode) {
        (void)unlink(startup->control_path);
    }
    close_fd(&startup->control);
}

void startup_unmount(struct startup *startup)
{
    struct failure unused = {0};
    bool ours = startup_is_mounted(startup);

    if (ours) {
        (void)mount_device_close(startup->mountpoint_path, true, &unused);
        startup->gone = true;
    }
    leave_control(startup);
    /* Where it was unmounted for us, another server may have closed the directory anew. */
    if (startup->guarded &&
        (ours || mountpoint_guard_holds(startup->mountpoint, &startup->guarded_since))) {
        (void)mountpoint_guard_open(startup->mountpoint);
    }
    startup->guarded = false;
}
