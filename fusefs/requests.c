#include "fusefs/requests.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/carried_open.h"
#include "fusefs/request_check.h"
#include "fusefs/request_reply.h"
#include "fusefs/virtual_files.h"
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

/* ---- open files ----------------------------------------------------------------------------- */

static void release(fuse_req_t request, const struct caller *caller, uint64_t handle)
{
    struct server *server = fuse_req_userdata(request);
    struct open_file *file = open_file_get(&server->tree->files, handle);

    if (file != NULL) {
        backing_files_close(&server->backing, file);
        open_file_put(&server->tree->files, file);
    }
    fs_release(server->tree, caller, handle);
}

static void on_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    struct tree *tree = tree_of(request);
    struct fuse_abi_open_out carried;
    uint64_t handle = 0;
    int r = fs_open(tree, &caller, node, file->flags, &handle);

    if (r < 0) {
        fuse_reply_err(request, -r);
        return;
    }
    file->fh = handle;
    file->keep_cache = !tree->options.strict;
    if (virtual_is(node)) {
        file->direct_io = 1; /* its size is not known before it is read */
        file->keep_cache = 0;
    }
    if ((!virtual_is(node) && carried_open_begin(request, handle, &carried)
             ? carried_open_reply(request, &carried)
             : fuse_reply_open(request, file)) == -ENOENT) {
        release(request, &caller, handle);
    }
}

static void on_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    struct tree *tree = tree_of(request);
    struct fuse_abi_open_out carried;
    struct fuse_entry_param param;
    struct fs_entry entry;
    uint64_t handle = 0;
    int r = strcmp(name, REQUEST_NAMELESS) == 0
                ? fs_tmpfile(tree, &caller, parent, file->flags, mode, &entry, &handle)
                : fs_create(tree, &caller, parent, str_view_from(name), file->flags, mode, &entry,
                            &handle);

    if (r < 0) {
        fuse_reply_err(request, -r);
        return;
    }
    param = entry_param(request, &entry);
    file->fh = handle;
    if ((carried_open_begin(request, handle, &carried)
             ? carried_open_reply_create(request, &param, &carried)
             : fuse_reply_create(request, &param, file)) == -ENOENT) {
        release(request, &caller, handle);
        fs_forget(tree, entry.node, 1);
    }
}

static void on_release(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);

    (void)node;
    release(request, &caller, file->fh);
    fuse_reply_err(request, 0);
}

static void on_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                    struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    AUTO_FREE void *bytes = NULL;

    (void)node;
    size = size < REPLY_MAX ? size : REPLY_MAX;
    bytes = malloc(size + 1);
    if (bytes == NULL) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    reply_bytes(request, fs_read(tree_of(request), &caller, file->fh, bytes, size, offset), bytes);
}

/*
 * Writes, allocations and copies take set-id bits away by themselves (HANDLE_KILLPRIV_V2), and the
 * kernel would go on to show the mode that it remembers. Of attributes alone (no offset), so that
 * no lock is waited for that this request's caller holds. Root keeps the bits.
 */
static void forget_mode(fuse_req_t request, fuse_ino_t node)
{
    struct server *server = fuse_req_userdata(request);

    if (fuse_req_ctx(request)->uid != 0) {
        (void)fuse_lowlevel_notify_inval_inode(server->session, node, -1, 0);
    }
}

static void on_write(fuse_req_t request, fuse_ino_t node, const char *bytes, size_t size,
                     off_t offset, struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    bool set_id = false;
    ssize_t count = fs_write(tree_of(request), &caller, file->fh, bytes, size, offset, &set_id);

    if (set_id) {
        forget_mode(request, node);
    }
    if (count < 0) {
        fuse_reply_err(request, (int)-count);
    } else {
        fuse_reply_write(request, (size_t)count);
    }
}

static void on_fsync(fuse_req_t request, fuse_ino_t node, int data_only,
                     struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);

    (void)node;
    reply_result(request, fs_fsync(tree_of(request), &caller, file->fh, data_only != 0));
}

static void on_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
                         struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    int r = fs_fallocate(tree_of(request), &caller, file->fh, mode, offset, length);

    forget_mode(request, node);
    reply_result(request, r);
}

static void on_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence,
                     struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    off_t at = fs_lseek(tree_of(request), &caller, file->fh, offset, whence);

    (void)node;
    if (at < 0) {
        fuse_reply_err(request, (int)-at);
    } else {
        fuse_reply_lseek(request, at);
    }
}

static void on_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset,
                               struct fuse_file_info *from_file, fuse_ino_t to, off_t to_offset,
                               struct fuse_file_info *to_file, size_t length, int flags)
{
    struct caller caller = caller_of(request);
    ssize_t count = fs_copy_file_range(tree_of(request), &caller, from_file->fh, from_offset,
                                       to_file->fh, to_offset, length, (unsigned int)flags);

    (void)from;
    forget_mode(request, to);
    if (count < 0) {
        fuse_reply_err(request, (int)-count);
    } else {
        fuse_reply_write(request, (size_t)count);
    }
}

/* ---- directories ---------------------------------------------------------------------------- */

static void on_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    struct tree *tree = tree_of(request);
    uint64_t handle = 0;
    bool kept = false;
    int r = fs_opendir(tree, &caller, node, &kept, &handle);

    if (r < 0) {
        fuse_reply_err(request, -r);
        return;
    }
    file->fh = handle;
    file->cache_readdir = !tree->options.strict;
    file->keep_cache = kept;
    if (fuse_reply_open(request, file) == -ENOENT) {
        fs_release(tree, &caller, handle);
    }
}

struct listing_reply {
    fuse_req_t request;
    char *bytes;
    size_t size;
    size_t used;
    bool plus;
};

static bool add_entry(void *context, const struct fs_listing_entry *entry)
{
    struct listing_reply *reply = context;
    char *at = reply->bytes + reply->used;
    size_t left = reply->size - reply->used;
    size_t needed;

    if (reply->plus) {
        struct fuse_entry_param param = {0};

        if (entry->node != 0) {
            const struct fs_entry given = {.node = entry->node, .status = entry->status};

            param = entry_param(reply->request, &given);
        }
        /* An entry without a node is listed and not looked up. */
        param.attr.st_ino = entry->raw.inode;
        param.attr.st_mode = entry->node != 0 ? param.attr.st_mode : (mode_t)entry->raw.type << 12;
        needed = fuse_add_direntry_plus(reply->request, at, left, entry->raw.name.bytes, &param,
                                        (off_t)entry->raw.next);
    } else {
        struct stat plain = {
            .st_ino = entry->raw.inode,
            .st_mode = (mode_t)entry->raw.type << 12,
        };

        needed = fuse_add_direntry(reply->request, at, left, entry->raw.name.bytes, &plain,
                                   (off_t)entry->raw.next);
    }
    if (needed > left) {
        return false;
    }
    reply->used += needed;
    return true;
}

static void reply_listing(fuse_req_t request, size_t size, off_t position,
                          const struct fuse_file_info *file, bool plus)
{
    struct caller caller = caller_of(request);
    AUTO_FREE char *bytes = NULL;
    struct listing_reply reply = {.request = request, .plus = plus};
    int r;

    reply.size = size < REPLY_MAX ? size : REPLY_MAX;
    bytes = malloc(reply.size + 1);
    if (bytes == NULL) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    reply.bytes = bytes;
    r = fs_readdir(tree_of(request), &caller, file->fh, (uint64_t)position, plus, add_entry,
                   &reply);
    if (r < 0 && reply.used == 0) {
        fuse_reply_err(request, -r);
    } else {
        /* What was read before an error is given; the error comes back with the next call. */
        fuse_reply_buf(request, bytes, reply.used);
    }
}

static void on_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t position,
                       struct fuse_file_info *file)
{
    (void)node;
    reply_listing(request, size, position, file, false);
}

static void on_readdirplus(fuse_req_t request, fuse_ino_t node, size_t size, off_t position,
                           struct fuse_file_info *file)
{
    (void)node;
    reply_listing(request, size, position, file, true);
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
        .open = on_open,
        .read = on_read,
        .write = on_write,
        .release = on_release,
        .fsync = on_fsync,
        .opendir = on_opendir,
        .readdir = on_readdir,
        .readdirplus = on_readdirplus,
        .releasedir = on_release,
        .fsyncdir = on_fsync,
        .statfs = on_statfs,
        .create = on_create,
        .fallocate = on_fallocate,
        .copy_file_range = on_copy_file_range,
        .lseek = on_lseek,
    };

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
