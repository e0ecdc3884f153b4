#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/operations.h"
#include "fusefs/virtual_files.h"

#include "shared/base/cleanup.h"

#define WHY_ATTRIBUTE "user.failcore.why"

/* ---- setattr -------------------------------------------------------------------------------- */

/* As the caller, who may be somebody whose truncation clears set-id bits. */
static int truncate_descriptor(struct fs_request *request, int fd, off_t size)
{
    struct acting acting;
    int r = tree_enter_caller(request->tree, request->caller, CALLER_GROUPS_NONE, &acting);

    if (r == 0) {
        r = ftruncate(fd, size) < 0 ? -errno : 0;
        caller_leave(&acting);
    }
    return r;
}

static int truncate_node(struct fs_request *request, const struct open_file *file, off_t size)
{
    AUTO_CLOSE int fd = -1;
    struct statx status;
    int r;

    if (file != NULL && (file->flags & O_ACCMODE) != O_RDONLY) {
        return truncate_descriptor(request, file->descriptor->fd, size);
    }
    r = tree_open_node(request->tree, request->caller, request->sides[0].node, O_WRONLY, &fd,
                       &status);
    if (r == 0) {
        r = fs_gate_check_links(request, &status);
    }
    return r == 0 ? truncate_descriptor(request, fd, size) : r;
}

static int change_mode(struct fs_request *request, const struct descriptor *held, mode_t mode)
{
    struct tree *tree = request->tree;
    char text[TREE_FD_TEXT_MAX];

    if (fchmodat(tree->proc_fd, tree_fd_text(held->fd, text), mode & 07777, 0) < 0) {
        return -errno;
    }
    return 0;
}

static int change_owner(struct tree *tree, const struct descriptor *held,
                        const struct fs_attributes *attributes)
{
    uid_t uid = (attributes->set & FS_SET_UID) != 0 ? attributes->uid : (uid_t)-1;
    gid_t gid = (attributes->set & FS_SET_GID) != 0 ? attributes->gid : (gid_t)-1;
    int r = tree_owner_from_shown(tree, uid, gid, &uid, &gid);

    if (r == 0 && fchownat(held->fd, "", uid, gid, AT_EMPTY_PATH) < 0) {
        r = -errno;
    }
    return r;
}

static int change_times(const struct descriptor *held, const struct fs_attributes *attributes)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

    if ((attributes->set & FS_SET_ATIME) != 0) {
        times[0] = attributes->times[0];
    }
    if ((attributes->set & FS_SET_MTIME) != 0) {
        times[1] = attributes->times[1];
    }
    return utimensat(held->fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* In the caller's identity: who may do what is the backing file system's own answer. */
static int apply_to_inode(struct fs_request *request, const struct descriptor *held,
                          const struct fs_attributes *attributes)
{
    struct acting acting;
    int r = tree_enter_caller(request->tree, request->caller, CALLER_GROUPS_ALL, &acting);

    if (r < 0) {
        return r;
    }
    if ((attributes->set & (FS_SET_UID | FS_SET_GID)) != 0) {
        r = change_owner(request->tree, held, attributes);
    }
    if (r == 0 && (attributes->set & FS_SET_MODE) != 0) {
        r = change_mode(request, held, attributes->mode);
    }
    if (r == 0 && (attributes->set & (FS_SET_ATIME | FS_SET_MTIME)) != 0) {
        r = change_times(held, attributes);
    }
    caller_leave(&acting);
    return r;
}

/*
 * Nothing to set: chown(-1, -1), or the kernel wants the set-id bits gone before a write. The two
 * are told apart by nothing in the request. As the caller, a chown that names nobody clears the
 * bits and stamps the change time, as both want; only the first may be told that the file is not
 * the caller's, and a writer's own write clears the bits anyhow.
 */
static int touch_owner(struct fs_request *request, const struct descriptor *held)
{
    static const struct fs_attributes nobody = {0};
    const bool written = open_file_is_written(&request->tree->files, request->sides[0].node);
    struct acting acting;
    int r = tree_enter_caller(request->tree, request->caller, CALLER_GROUPS_ALL, &acting);

    if (r == 0) {
        r = change_owner(request->tree, held, &nobody);
        caller_leave(&acting);
    }
    return r == -EPERM && written ? 0 : r;
}

static int apply(struct fs_request *request, const struct descriptor *held,
                 const struct open_file *file, const struct fs_attributes *attributes)
{
    int r = 0;

    if (attributes->set == 0) {
        return touch_owner(request, held);
    }
    if ((attributes->set & FS_SET_SIZE) != 0) {
        r = truncate_node(request, file, attributes->size);
    }
    if (r == 0 && (attributes->set & ~(unsigned int)FS_SET_SIZE) != 0) {
        fs_breaker_lost(request);
        r = apply_to_inode(request, held, attributes);
    }
    return r;
}

/* Before any effect: the object in hand has the links that SR13 asks about, and may not become
 * set-id unless the policy says so. */
static int check_object(struct fs_request *request, const struct descriptor *held,
                        struct open_file *file, const struct fs_attributes *attributes)
{
    struct statx status;
    int r = tree_status_of(held->fd, &status);

    if (r < 0) {
        return r;
    }
    if ((attributes->set & FS_SET_MODE) != 0) {
        r = fs_gate_set_id(request, status.stx_mode,
                           (attributes->mode & 07777) | (status.stx_mode & S_IFMT));
    }
    if (r == 0) {
        r = fs_gate_check_links(request, &status);
    }
    if (r == 0 && (attributes->set & FS_SET_SIZE) != 0) {
        r = fs_breaker_truncate(request, &status, attributes->size, file);
    }
    return r;
}

int fs_setattr(struct tree *tree, const struct caller *caller, uint64_t node, uint64_t handle,
               const struct fs_attributes *attributes, struct statx *ret_status)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "setattr");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    struct open_file *file = handle == 0 ? NULL : open_file_get(&tree->files, handle);
    unsigned int needs = 0;
    int r;

    if ((attributes->set & FS_SET_SIZE) != 0) {
        needs |= NEEDS(WRITE);
    }
    if ((attributes->set & ~(unsigned int)FS_SET_SIZE) != 0) {
        needs |= NEEDS(METADATA);
    }
    if (needs == 0) {
        needs = NEEDS(METADATA); /* the change time alone */
    }
    request.changes = true;
    r = fs_request_object(&request, node, needs, SIDE_CHANGES);
    if (r == 0 && file != NULL && file->node != request.sides[0].node) {
        r = -EBADF;
    }
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].node, &held);
    }
    if (r == 0) {
        r = check_object(&request, held, file, attributes);
    }
    if (r == 0) {
        r = apply(&request, held, file, attributes);
    }
    if (r == 0) {
        r = tree_status_of(held->fd, ret_status);
    }
    open_file_put(&tree->files, file);
    return fs_request_done(&request, r);
}

/* ---- extended attributes -------------------------------------------------------------------- */

static bool is_carried(const char *name)
{
    return strncmp(name, "user.", 5) == 0 && strcmp(name, WHY_ATTRIBUTE) != 0;
}

/* The path of a held object that the xattr calls, which know no AT_EMPTY_PATH, can take. */
struct proc_path {
    char text[sizeof("/proc/self/fd/") + TREE_FD_TEXT_MAX];
};

static struct proc_path proc_path_of(const struct descriptor *held)
{
    struct proc_path path;

    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", held->fd);
    return path;
}

static int begin_xattr(struct fs_request *request, uint64_t node, unsigned int needs,
                       unsigned int flags, struct descriptor **ret_held)
{
    int r = fs_request_object(request, node, needs, flags);

    if (r == 0) {
        r = fs_gate(request);
    }
    if (r == 0) {
        r = tree_hold(request->tree, request->sides[0].node, ret_held);
    }
    if (r == 0 && request->sides[0].node->type == S_IFLNK) {
        r = -EPERM; /* user.* is for files and directories; /proc would follow the link */
    }
    return r;
}

/* Made by us, under no rule but that the object may be looked at. */
static ssize_t get_why(struct tree *tree, const struct caller *caller, uint64_t node, void *value,
                       size_t size)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "getxattr");
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int r = fs_request_object(&request, node, NEEDS(LOOKUP), 0);

    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = virtual_why(tree, request.sides[0].node, &text);
    }
    if (r == 0 && text.length == 0) {
        r = -ENODATA;
    }
    if (r == 0 && size > 0 && text.length > size) {
        r = -ERANGE;
    }
    if (r == 0 && size > 0) {
        memcpy(value, text_buffer_text(&text), text.length);
    }
    return r < 0 ? fs_request_done(&request, r) : (ssize_t)text.length;
}

ssize_t fs_getxattr(struct tree *tree, const struct caller *caller, uint64_t node, const char *name,
                    void *value, size_t size)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "getxattr");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    ssize_t length = -1;
    int r;

    if (strcmp(name, WHY_ATTRIBUTE) == 0) {
        return get_why(tree, caller, node, value, size);
    }
    if (!is_carried(name)) {
        return -EOPNOTSUPP;
    }
    r = begin_xattr(&request, node, NEEDS(READ), 0, &held);
    if (r == 0) {
        length = getxattr(proc_path_of(held).text, name, value, size);
        r = length < 0 ? -errno : 0;
    }
    r = fs_request_done(&request, r);
    return r < 0 ? r : length;
}

ssize_t fs_listxattr(struct tree *tree, const struct caller *caller, uint64_t node, char *names,
                     size_t size)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "listxattr");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    AUTO_FREE char *all = NULL;
    ssize_t length = -1;
    size_t used = 0;
    int r = begin_xattr(&request, node, NEEDS(LOOKUP), 0, &held);

    if (r == -EPERM) {
        return fs_request_done(&request, 0); /* a symbolic link has none that we carry */
    }
    if (r == 0) {
        all = malloc(XATTR_LIST_MAX);
        length = all == NULL ? -1 : listxattr(proc_path_of(held).text, all, XATTR_LIST_MAX);
        r = all == NULL ? -ENOMEM : length < 0 ? -errno : 0;
    }
    for (ssize_t at = 0; r == 0 && at < length;) {
        size_t one = strlen(all + at) + 1;

        if (is_carried(all + at)) {
            if (size > 0 && used + one > size) {
                r = -ERANGE;
                break;
            }
            if (size > 0) {
                memcpy(names + used, all + at, one);
            }
            used += one;
        }
        at += (ssize_t)one;
    }
    r = fs_request_done(&request, r);
    return r < 0 ? r : (ssize_t)used;
}

/* What is to be done to one attribute; `value` NULL removes it. */
static int change_xattr(struct tree *tree, const struct caller *caller, const char *word,
                        uint64_t node, const char *name, const void *value, size_t size, int flags)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, word);
    AUTO(descriptor_release) struct descriptor *held = NULL;
    struct acting acting = {0};
    struct statx status;
    int r;

    if (!is_carried(name)) {
        return -EOPNOTSUPP;
    }
    request.changes = true;
    r = begin_xattr(&request, node, NEEDS(METADATA), SIDE_CHANGES, &held);
    if (r == 0) {
        r = tree_status_of(held->fd, &status);
    }
    if (r == 0) {
        r = fs_gate_check_links(&request, &status);
    }
    if (r == 0 && value != NULL) {
        r = fs_request_take_disk(&request, DISK_BYTES_OF_NAME + size);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);
    }
    if (r == 0) {
        struct proc_path path = proc_path_of(held);

        if ((value == NULL ? removexattr(path.text, name)
                           : setxattr(path.text, name, value, size, flags)) < 0) {
            r = -errno;
        }
        caller_leave(&acting);
    }
    return fs_request_done(&request, r);
}

int fs_setxattr(struct tree *tree, const struct caller *caller, uint64_t node, const char *name,
                const void *value, size_t size, int flags)
{
    return change_xattr(tree, caller, "setxattr", node, name, value, size, flags);
}

int fs_removexattr(struct tree *tree, const struct caller *caller, uint64_t node, const char *name)
{
    return change_xattr(tree, caller, "removexattr", node, name, NULL, 0, 0);
}
