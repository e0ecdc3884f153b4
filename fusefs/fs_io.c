/* What is done through a handle. A handle was judged when it was opened; a new policy judges it
 * again at its next use (REQUIREMENTS A3). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/operations.h"

#include "shared/base/cleanup.h"

struct use {
    struct tree *tree;
    struct open_file *file;
};

static void use_end(struct use *use)
{
    open_file_put(&use->tree->files, use->file);
}

/* Only when the policy has changed since; the usual case is one comparison. */
static int judge_again(struct tree *tree, const struct caller *caller, struct open_file *file,
                       unsigned int needs, uint64_t epoch)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "use");
    int r;

    fs_request_node(&request, file->node, needs, (needs & NEEDS(WRITE)) != 0 ? SIDE_CHANGES : 0);
    r = fs_gate(&request);
    if (r == 0) {
        atomic_store(&file->judged_epoch, epoch);
    }
    return r;
}

static int use_begin(struct tree *tree, const struct caller *caller, uint64_t handle, bool writes,
                     struct use *ret_use)
{
    struct open_file *file = open_file_get(&tree->files, handle);
    uint64_t epoch = atomic_load_explicit(&tree->nodes.epoch, memory_order_relaxed);
    int mode;

    *ret_use = (struct use){.tree = tree, .file = file};
    if (file == NULL || file->stream != NULL) {
        return -EBADF;
    }
    mode = file->flags & O_ACCMODE;
    if (writes ? mode == O_RDONLY : mode == O_WRONLY) {
        return -EBADF;
    }
    if (file->is_virtual ||
        atomic_load_explicit(&file->judged_epoch, memory_order_relaxed) == epoch) {
        return 0;
    }
    /* The whole of what it was opened for: a right that is gone ends the handle for that use. */
    return judge_again(
        tree, caller, file,
        writes ? file->needs & NEEDS(WRITE) : file->needs & (NEEDS(READ) | NEEDS(EXECUTE)), epoch);
}

ssize_t fs_read(struct tree *tree, const struct caller *caller, uint64_t handle, void *bytes,
                size_t size, off_t offset)
{
    AUTO(use_end) struct use use;
    ssize_t count;
    int r = use_begin(tree, caller, handle, false, &use);

    if (r < 0) {
        return r;
    }
    count = pread(use.file->descriptor->fd, bytes, size, offset);
    if (count < 0) {
        return -errno;
    }
    atomic_fetch_add_explicit(&use.file->bytes_read, (uint64_t)count, memory_order_relaxed);
    return count;
}

ssize_t fs_write(struct tree *tree, const struct caller *caller, uint64_t handle, const void *bytes,
                 size_t size, off_t offset, bool *ret_set_id)
{
    AUTO(use_end) struct use use;
    struct acting acting = {0};
    ssize_t count;
    int r = use_begin(tree, caller, handle, true, &use);

    if (r == 0) {
        r = fs_breaker_write(tree, caller, use.file, offset);
    }
    if (r == 0) {
        /* As the caller: a write by somebody without CAP_FSETID clears set-id bits below. */
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_NONE, &acting);
    }
    if (r == 0) {
        r = disk_budget_take(&tree->disk, size);
        if (r < 0) {
            caller_leave(&acting);
        }
    }
    if (r < 0) {
        return r;
    }
    count = pwrite(use.file->descriptor->fd, bytes, size, offset);
    r = count < 0 ? -errno : 0;
    caller_leave(&acting);
    disk_budget_give_back(&tree->disk, size - (count < 0 ? 0 : (size_t)count));
    if (r < 0) {
        return r;
    }
    atomic_fetch_add_explicit(&use.file->bytes_written, (uint64_t)count, memory_order_relaxed);
    *ret_set_id = use.file->set_id;
    return count;
}

int fs_fsync(struct tree *tree, const struct caller *caller, uint64_t handle, bool data_only)
{
    struct open_file *file = open_file_get(&tree->files, handle);
    int r = 0;
    int fd;

    (void)caller; /* what was permitted to be written may always be made durable */
    if (file == NULL) {
        return -EBADF;
    }
    fd = file->descriptor->fd;
    if (file->node->type == S_IFDIR && !file->is_virtual) {
        r = fs_listing_open(tree, file, &fd);
    }
    if (r == 0 && (data_only ? fdatasync(fd) : fsync(fd)) < 0) {
        r = -errno;
    }
    open_file_put(&tree->files, file);
    return r;
}

int fs_fallocate(struct tree *tree, const struct caller *caller, uint64_t handle, int mode,
                 off_t offset, off_t length)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "fallocate");
    AUTO(use_end) struct use use;
    struct acting acting = {0};
    int r = use_begin(tree, caller, handle, true, &use);

    if (r < 0) {
        return r;
    }
    request.changes = true;
    request.flags = (uint32_t)mode;
    fs_request_node(&request, use.file->node, NEEDS(WRITE), SIDE_CHANGES);
    r = fs_gate(&request);
    if (r == 0 && (mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
        r = fs_breaker_write(tree, caller, use.file, offset); /* holes, zeros, bytes taken out */
    }
    if (r == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE)) == 0 && length > 0) {
        r = disk_budget_take(&tree->disk, (uint64_t)length);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_NONE, &acting);
    }
    if (r == 0) {
        if (fallocate(use.file->descriptor->fd, mode, offset, length) < 0) {
            r = -errno;
        }
        caller_leave(&acting);
    }
    return fs_request_done(&request, r);
}

off_t fs_lseek(struct tree *tree, const struct caller *caller, uint64_t handle, off_t offset,
               int whence)
{
    struct open_file *file = open_file_get(&tree->files, handle);
    off_t at = -1;
    int r = 0;

    (void)caller;
    if (file == NULL || file->stream != NULL) {
        r = -EBADF;
    } else if (whence != SEEK_DATA && whence != SEEK_HOLE) {
        r = -EINVAL; /* the kernel keeps positions itself */
    } else {
        at = lseek(file->descriptor->fd, offset, whence);
        r = at < 0 ? -errno : 0;
    }
    open_file_put(&tree->files, file);
    return r < 0 ? r : at;
}

/* Callers ask for as much as fits into a number. */
static size_t copied_at_most(const struct open_file *source, off_t offset, size_t length)
{
    struct stat found;
    off_t left = fstat(source->descriptor->fd, &found) < 0 || found.st_size < offset
                     ? 0
                     : found.st_size - offset;

    return (uint64_t)left < length ? (size_t)left : length;
}

ssize_t fs_copy_file_range(struct tree *tree, const struct caller *caller, uint64_t from,
                           off_t from_offset, uint64_t to, off_t to_offset, size_t length,
                           unsigned int flags)
{
    AUTO(fs_request_end)
    struct fs_request request = fs_request_begin(tree, caller, "copy_file_range");
    AUTO(use_end) struct use source;
    AUTO(use_end) struct use target = {.tree = tree};
    struct acting acting = {0};
    ssize_t count = -1;
    int r = use_begin(tree, caller, from, false, &source);

    if (r == 0) {
        r = use_begin(tree, caller, to, true, &target);
    }
    if (r < 0) {
        return r;
    }
    request.changes = true;
    fs_request_node(&request, source.file->node, NEEDS(READ), 0);
    fs_request_node(&request, target.file->node, NEEDS(WRITE), SIDE_CHANGES);
    r = fs_gate(&request);
    if (r == 0) {
        r = fs_breaker_write(tree, caller, target.file, to_offset);
    }
    if (r == 0) {
        length = copied_at_most(source.file, from_offset, length);
        r = disk_budget_take(&tree->disk, length);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_NONE, &acting);
    }
    if (r == 0) {
        count = copy_file_range(source.file->descriptor->fd, &from_offset,
                                target.file->descriptor->fd, &to_offset, length, flags);
        r = count < 0 ? -errno : 0;
        caller_leave(&acting);
        disk_budget_give_back(&tree->disk, length - (count < 0 ? 0 : (size_t)count));
    }
    if (r == 0) {
        atomic_fetch_add(&target.file->bytes_written, (uint64_t)count);
        atomic_fetch_add(&source.file->bytes_read, (uint64_t)count);
    }
    r = fs_request_done(&request, r);
    return r < 0 ? r : count;
}
