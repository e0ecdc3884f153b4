#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/fs_opening.h"
#include "fusefs/fs_record.h"
#include "fusefs/operations.h"
#include "fusefs/virtual_files.h"
#include "shared/base/cleanup.h"

/* FMODE_EXEC, which the kernel leaves in the flags of an execve. */
#define OPEN_FOR_EXECUTION 0x20

unsigned int fs_opening_needs(int flags)
{
    unsigned int needs = 0;
    int mode = flags & O_ACCMODE;

    if ((flags & OPEN_FOR_EXECUTION) != 0) {
        needs |= NEEDS(EXECUTE);
    } else if (mode != O_WRONLY) {
        needs |= NEEDS(READ);
    }
    if (mode != O_RDONLY || (flags & O_TRUNC) != 0) {
        needs |= NEEDS(WRITE);
    }
    return needs;
}

/*
 * O_DIRECT has told whether the file system below knows it, and the kernel keeps it for what it
 * carries itself. What comes to us as a request has no alignment to promise: writes lie behind
 * their header, and the last dirty page of a mapping ends where the file does.
 */
static int leave_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_DIRECT) < 0 ? -errno : 0;
}

int fs_opening_add(struct fs_request *request, struct node *node, int taken_fd, int flags,
                   unsigned int needs, mode_t mode, uint64_t *ret_handle)
{
    struct open_file *file = NULL;
    struct descriptor *descriptor = descriptor_new(taken_fd);
    int r;

    if (descriptor == NULL) {
        return -ENOMEM;
    }
    r = (flags & O_DIRECT) != 0 ? leave_direct(descriptor->fd) : 0;
    if (r < 0) {
        descriptor_unref(descriptor);
        return r;
    }
    r = open_file_add(
        &request->tree->files,
        &(struct open_file){
            .node = node_pin(node),
            .descriptor = descriptor,
            .flags = flags,
            .needs = needs,
            .set_id = (mode & (S_ISUID | S_ISGID)) != 0,
            .judged_epoch = request->epoch,
            .existed_bytes = request->existed_bytes,
            .emptied = request->empties,
            .watched = (needs & NEEDS(WRITE)) != 0 && breaker_is_armed(&request->tree->breaker),
            .ticket = request->ticket,
            .opened_ns = request->decided_ns,
        },
        &file);
    if (r < 0) {
        node_table_unpin(&request->tree->nodes, node);
        descriptor_unref(descriptor);
        return r;
    }
    *ret_handle = file->handle;
    open_file_put(&request->tree->files, file);
    return 0;
}

static int truncate_opened(int fd, int flags)
{
    return (flags & O_TRUNC) != 0 && ftruncate(fd, 0) < 0 ? -errno : 0;
}

static int truncate_as_caller(struct tree *tree, const struct caller *caller, int fd, int flags)
{
    struct acting acting = {0};
    int r;

    if ((flags & O_TRUNC) == 0) {
        return 0;
    }
    r = tree_enter_caller(tree, caller, CALLER_GROUPS_NONE, &acting);
    if (r == 0) {
        r = truncate_opened(fd, flags);
        caller_leave(&acting);
    }
    return r;
}

int fs_open(struct tree *tree, const struct caller *caller, uint64_t node, int flags,
            uint64_t *ret_handle)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "open");
    AUTO_CLOSE int fd = -1;
    unsigned int needs = fs_opening_needs(flags);
    struct statx status;
    int lower = flags & FS_OPENING_FLAGS;
    int r;

    if (virtual_is(node)) {
        return virtual_open(tree, caller, node, flags, ret_handle);
    }
    r = fs_request_object(&request, node, needs, (needs & NEEDS(WRITE)) != 0 ? SIDE_CHANGES : 0);

    request.flags = (uint32_t)flags;
    if ((flags & O_TRUNC) != 0 && (lower & O_ACCMODE) == O_RDONLY) {
        lower |= O_RDWR; /* undefined by POSIX, and Linux truncates */
    }
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = (needs & NEEDS(EXECUTE)) != 0
                ? tree_open_to_execute(tree, caller, request.sides[0].node, &fd, &status)
                : tree_open_node(tree, caller, request.sides[0].node, lower, &fd, &status);
    }
    if (r == 0) {
        r = fs_gate_check_links(&request, &status);
    }
    if (r == 0) {
        r = fs_breaker_open(&request, &status, flags);
    }
    if (r == 0 && (needs & NEEDS(EXECUTE)) != 0) {
        r = fs_breaker_execute(&request);
    }
    if (r == 0) {
        r = truncate_as_caller(tree, caller, fd, flags);
    }
    if (r == 0) {
        fs_breaker_lost(&request);
        r = fs_opening_add(&request, request.sides[0].node, take_fd(&fd), flags, needs,
                           status.stx_mode, ret_handle);
    }
    return fs_request_done(&request, r);
}

int fs_opening_make(const struct fs_request *request, int directory, const char *name, int flags,
                    mode_t mode, int *ret_fd)
{
    struct acting acting = {0};
    int r = caller_use_umask(request->caller);

    if (r == 0) {
        r = tree_enter_caller(request->tree, request->caller, CALLER_GROUPS_ALL, &acting);
    }
    if (r < 0) {
        return r;
    }
    *ret_fd = openat(directory, name, flags, mode & 07777);
    r = *ret_fd < 0 ? -errno : 0;
    caller_leave(&acting);
    return r;
}

static int create_once(struct tree *tree, const struct caller *caller, uint64_t directory,
                       struct str_view name, int flags, mode_t mode, struct fs_entry *ret_entry,
                       uint64_t *ret_handle)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "create");
    AUTO(descriptor_release) struct descriptor *above = NULL;
    AUTO_CLOSE int fd = -1;
    struct node *node = NULL;
    unsigned int needs = fs_opening_needs(flags & ~O_TRUNC);
    /* The name was missing when the kernel looked. O_EXCL finds out whether it still is. */
    int lower = (flags & FS_OPENING_FLAGS) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    int r = fs_request_name(&request, directory, name, needs | NEEDS(CREATE), SIDE_APPEARS);

    request.changes = true;
    request.flags = (uint32_t)flags;
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = fs_gate_set_id(&request, 0, S_IFREG | mode);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].directory, &above);
    }
    if (r == 0) {
        r = fs_breaker_create(&request);
    }
    if (r == 0) {
        r = fs_request_take_disk(&request, DISK_BYTES_OF_NAME);
    }
    if (r == 0) {
        r = fs_opening_make(&request, above->fd, request.sides[0].name.bytes, lower, mode, &fd);
    }
    if (r == -EEXIST && (flags & O_EXCL) == 0) {
        fs_request_settle(&request, r);
        return r; /* the caller goes on to open what is there */
    }
    if (r == 0) {
        r = fs_enter_made(&request, 0, above->fd, ret_entry);
    }
    if (r == 0) {
        node = node_table_pin(&tree->nodes, ret_entry->node);
        r = node == NULL ? -ESTALE : 0;
    }
    if (r == 0) {
        struct statx status;
        struct node_identity identity;

        r = tree_status_of(fd, &status);
        identity = node_identity_from(&status);
        if (r == 0 && !node_identity_equals(&identity, &node->identity)) {
            r = -ESTALE; /* somebody else's file has the name by now */
        }
        if (r == 0) {
            fs_breaker_made(tree, &status);
            r = fs_opening_add(&request, node, take_fd(&fd), flags, needs, status.stx_mode,
                               ret_handle);
        }
        if (r < 0) {
            fs_forget(tree, ret_entry->node, 1);
        }
    }
    node_table_unpin(&tree->nodes, node);
    return fs_request_done(&request, r);
}

int fs_create(struct tree *tree, const struct caller *caller, uint64_t directory,
              struct str_view name, int flags, mode_t mode, struct fs_entry *ret_entry,
              uint64_t *ret_handle)
{
    int r = create_once(tree, caller, directory, name, flags, mode, ret_entry, ret_handle);

    if (r != -EEXIST || (flags & O_EXCL) != 0) {
        return r;
    }
    r = fs_lookup(tree, caller, directory, name, ret_entry);
    if (r < 0) {
        return r;
    }
    if (!S_ISREG(ret_entry->status.stx_mode)) {
        r = S_ISLNK(ret_entry->status.stx_mode)   ? -ELOOP
            : S_ISDIR(ret_entry->status.stx_mode) ? -EISDIR
                                                  : -ESTALE;
    } else {
        r = fs_open(tree, caller, ret_entry->node, flags & ~(O_CREAT | O_EXCL), ret_handle);
    }
    if (r < 0) {
        fs_forget(tree, ret_entry->node, 1);
    }
    return r;
}

void fs_release(struct tree *tree, const struct caller *caller, uint64_t handle)
{
    struct open_file *file = open_file_remove(&tree->files, handle);
    struct node *node;

    if (file == NULL) {
        return;
    }
    node = file->node;
    fs_breaker_closed(tree, file);
    if (file->ticket != 0 && (file->flags & O_ACCMODE) != O_RDONLY) {
        fs_record_release(tree, caller, file);
    }
    open_file_put(&tree->files, file);
    node_table_unpin(&tree->nodes, node);
}
