#include "fusefs/file_requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/carried_open.h"
#include "fusefs/request_check.h"
#include "fusefs/request_reply.h"
#include "fusefs/virtual_files.h"
#include "shared/base/cleanup.h"

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

void file_requests_add(struct fuse_lowlevel_ops *table)
{
    table->open = on_open;
    table->create = on_create;
    table->release = on_release;
    table->releasedir = on_release;
    table->read = on_read;
    table->write = on_write;
    table->fsync = on_fsync;
    table->fsyncdir = on_fsync;
    table->fallocate = on_fallocate;
    table->lseek = on_lseek;
    table->copy_file_range = on_copy_file_range;
}
