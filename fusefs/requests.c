#include "fusefs/requests.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include "fusefs/file_requests.h"
#include "fusefs/listing_requests.h"
#include "fusefs/request_reply.h"
#include "shared/base/cleanup.h"

/* ---- INIT ----------------------------------------------------------------------------------- */

static void on_init(void *userdata, struct fuse_conn_info *connection)
{
    struct server *server = userdata;
    unsigned int want = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_DONT_MASK |
                        FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_DIO | FUSE_CAP_AUTO_INVAL_DATA |
                        FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO;

    if (!server->tree->options.strict) {
        want |= FUSE_CAP_CACHE_SYMLINKS;
    }
    /* No splice: with small requests a pipe costs more than the copy that it saves. */
    connection->want = connection->capable & want;
    connection->time_gran = 1;
    connection->max_write = REQUEST_DATA_MAX;
    connection->max_readahead = REQUEST_DATA_MAX;
}

/* ---- names and objects ---------------------------------------------------------------------- */

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct caller caller = caller_of(request);
    struct fs_entry entry;
    int r = fs_lookup(tree_of(request), &caller, parent, str_view_from(name), &entry);

    if (r == -ENOENT && entry.absent && timeout_of(request) > 0) {
        struct fuse_entry_param nothing = {.entry_timeout = timeout_of(request)};

        fuse_reply_entry(request, &nothing);
        return;
    }
    reply_entry(request, r, &entry);
}

static void on_forget(fuse_req_t request, fuse_ino_t node, uint64_t count)
{
    fs_forget(tree_of(request), node, count);
    fuse_reply_none(request);
}

static void on_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++) {
        fs_forget(tree_of(request), forgets[i].ino, forgets[i].nlookup);
    }
    fuse_reply_none(request);
}

static void on_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    struct statx status;
    int r = fs_getattr(tree_of(request), &caller, node, file == NULL ? 0 : file->fh, &status);

    reply_attributes(request, r, &status);
}

static void on_access(fuse_req_t request, fuse_ino_t node, int mask)
{
    struct caller caller = caller_of(request);

    reply_result(request, fs_access(tree_of(request), &caller, node, mask));
}

static void on_readlink(fuse_req_t request, fuse_ino_t node)
{
    struct caller caller = caller_of(request);
    char target[4096 + 1];
    ssize_t length = fs_readlink(tree_of(request), &caller, node, target, sizeof(target) - 1);

    if (length < 0) {
        fuse_reply_err(request, (int)-length);
        return;
    }
    target[length] = '\0';
    fuse_reply_readlink(request, target);
}

static void on_statfs(fuse_req_t request, fuse_ino_t node)
{
    struct caller caller = caller_of(request);
    struct statvfs status;
    int r = fs_statfs(tree_of(request), &caller, node, &status);

    if (r < 0) {
        fuse_reply_err(request, -r);
    } else {
        fuse_reply_statfs(request, &status);
    }
}

/* ---- attributes ----------------------------------------------------------------------------- */

static struct fs_attributes attributes_from(const struct stat *wanted, int set)
{
    struct fs_attributes attributes = {
        .mode = wanted->st_mode,
        .uid = wanted->st_uid,
        .gid = wanted->st_gid,
        .size = wanted->st_size,
        .times = {wanted->st_atim, wanted->st_mtim},
    };

    attributes.set |= (set & FUSE_SET_ATTR_MODE) != 0 ? FS_SET_MODE : 0;
    attributes.set |= (set & FUSE_SET_ATTR_UID) != 0 ? FS_SET_UID : 0;
    attributes.set |= (set & FUSE_SET_ATTR_GID) != 0 ? FS_SET_GID : 0;
    attributes.set |= (set & FUSE_SET_ATTR_SIZE) != 0 ? FS_SET_SIZE : 0;
    attributes.set |=
        (set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW)) != 0 ? FS_SET_ATIME : 0;
    attributes.set |=
        (set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) != 0 ? FS_SET_MTIME : 0;
    if ((set & FUSE_SET_ATTR_ATIME_NOW) != 0) {
        attributes.times[0] = (struct timespec){.tv_nsec = UTIME_NOW};
    }
    if ((set & FUSE_SET_ATTR_MTIME_NOW) != 0) {
        attributes.times[1] = (struct timespec){.tv_nsec = UTIME_NOW};
    }
    return attributes;
}

static void on_setattr(fuse_req_t request, fuse_ino_t node, struct stat *wanted, int set,
                       struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    struct fs_attributes attributes = attributes_from(wanted, set);
    struct statx status;
    int r = fs_setattr(tree_of(request), &caller, node, file == NULL ? 0 : file->fh, &attributes,
                       &status);

    reply_attributes(request, r, &status);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
    struct caller caller = caller_of(request);
    AUTO_FREE void *value = NULL;
    ssize_t length;

    size = size < XATTR_SIZE_MAX ? size : XATTR_SIZE_MAX;
    value = size == 0 ? NULL : malloc(size);
    length = size > 0 && value == NULL
                 ? -ENOMEM
                 : fs_getxattr(tree_of(request), &caller, node, name, value, size);

    if (size == 0 && length >= 0) {
        fuse_reply_xattr(request, (size_t)length);
    } else {
        reply_bytes(request, length, value);
    }
}

static void on_listxattr(fuse_req_t request, fuse_ino_t node, size_t size)
{
    struct caller caller = caller_of(request);
    AUTO_FREE char *names = NULL;
    ssize_t length;

    size = size < XATTR_LIST_MAX ? size : XATTR_LIST_MAX;
    names = size == 0 ? NULL : malloc(size);
    length = size > 0 && names == NULL ? -ENOMEM
                                       : fs_listxattr(tree_of(request), &caller, node, names, size);

    if (size == 0 && length >= 0) {
        fuse_reply_xattr(request, (size_t)length);
    } else {
        reply_bytes(request, length, names);
    }
}

static void on_setxattr(fuse_req_t request, fuse_ino_t node, const char *name, const char *value,
                        size_t size, int flags)
{
    struct caller caller = caller_of(request);

    reply_result(request, fs_setxattr(tree_of(request), &caller, node, name, value, size, flags));
}

static void on_removexattr(fuse_req_t request, fuse_ino_t node, const char *name)
{
    struct caller caller = caller_of(request);

    reply_result(request, fs_removexattr(tree_of(request), &caller, node, name));
}

/* ---- making and removing names -------------------------------------------------------------- */

static void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct caller caller = caller_of(request);
    struct fs_entry entry;
    int r = fs_mkdir(tree_of(request), &caller, parent, str_view_from(name), mode, &entry);

    reply_entry(request, r, &entry);
}

static void on_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                     dev_t device)
{
    struct caller caller = caller_of(request);
    struct fs_entry entry;
    int r = fs_mknod(tree_of(request), &caller, parent, str_view_from(name), mode, device, &entry);

    reply_entry(request, r, &entry);
}

static void on_symlink(fuse_req_t request, const char *target, fuse_ino_t parent, const char *name)
{
    struct caller caller = caller_of(request);
    struct fs_entry entry;
    int r = fs_symlink(tree_of(request), &caller, target, parent, str_view_from(name), &entry);

    reply_entry(request, r, &entry);
}

static void on_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct caller caller = caller_of(request);

    reply_result(request, fs_unlink(tree_of(request), &caller, parent, str_view_from(name)));
}

static void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct caller caller = caller_of(request);

    reply_result(request, fs_rmdir(tree_of(request), &caller, parent, str_view_from(name)));
}

static void on_rename(fuse_req_t request, fuse_ino_t parent, const char *name,
                      fuse_ino_t new_parent, const char *new_name, unsigned int flags)
{
    struct caller caller = caller_of(request);

    reply_result(request, fs_rename(tree_of(request), &caller, parent, str_view_from(name),
                                    new_parent, str_view_from(new_name), flags));
}

static void on_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent,
                    const char *new_name)
{
    struct caller caller = caller_of(request);
    struct fs_entry entry;
    int r = fs_link(tree_of(request), &caller, node, new_parent, str_view_from(new_name), &entry);

    reply_entry(request, r, &entry);
}

/*
 * Left out on purpose: flush (the kernel then stops sending it: one request less per close),
 * getlk, setlk and flock (the kernel keeps the locks of one mount itself), ioctl (none is let
 * through: SETFLAGS, FICLONE and the like would act beside the policy), bmap, poll.
 */
struct fuse_lowlevel_ops requests_table(bool attributes, bool kernel_checks_permissions)
{
    struct fuse_lowlevel_ops table = {
        .init = on_init,
        .lookup = on_lookup,
        .forget = on_forget,
        .forget_multi = on_forget_multi,
        .getattr = on_getattr,
        .setattr = on_setattr,
        .readlink = on_readlink,
        .mknod = on_mknod,
        .mkdir = on_mkdir,
        .unlink = on_unlink,
        .rmdir = on_rmdir,
        .symlink = on_symlink,
        .rename = on_rename,
        .link = on_link,
        .statfs = on_statfs,
    };

    file_requests_add(&table);
    listing_requests_add(&table);
    if (attributes) {
        table.getxattr = on_getxattr;
        table.listxattr = on_listxattr;
        table.setxattr = on_setxattr;
        table.removexattr = on_removexattr;
    }
    if (!kernel_checks_permissions) {
        table.access = on_access;
    }
    return table;
}
