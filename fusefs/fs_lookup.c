#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fusefs/operations.h"
#include "fusefs/virtual_files.h"

#include "shared/base/cleanup.h"

/*
 * The object of a name that was judged becomes an entry. Refused where another file system is
 * mounted.
 */
static int enter(struct fs_request *request, unsigned int side, int directory,
                 struct fs_entry *ret_entry)
{
    struct tree *tree = request->tree;
    struct fs_side *at = &request->sides[side];
    struct node *node = NULL;
    int r = tree_status_at(directory, at->name.bytes, &ret_entry->status);

    ret_entry->absent = r == -ENOENT;
    if (r == -ENOENT) {
        node_table_remove_name(&tree->nodes, at->directory, at->name);
    }
    if (r < 0) {
        return r;
    }
    if ((ret_entry->status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
        return fs_gate_refuse(request, DENIAL_OUTSIDE_VIEW, "another file system is mounted here");
    }
    request->inode = ret_entry->status.stx_ino;
    r = node_table_enter(&tree->nodes, at->directory, at->name, at->state, request->epoch,
                         &ret_entry->status, &node);
    if (r < 0) {
        return r;
    }
    ret_entry->node = node->id;
    node_table_unpin(&tree->nodes, node);
    return 0;
}

int fs_enter_made(struct fs_request *request, unsigned int side, int directory,
                  struct fs_entry *ret_entry)
{
    struct node_table *nodes = &request->tree->nodes;
    struct fs_side *at = &request->sides[side];
    int r = enter(request, side, directory, ret_entry);

    /* A new policy came: the effect is done under the old one, the name is judged by the new. */
    for (int tries = 0; tries < 8 && r == -EAGAIN; tries++) {
        struct policy *policy = NULL;
        const struct policy_state *above =
            node_table_directory_state(nodes, at->directory, &policy, &request->epoch);

        policy_state_unref(at->state);
        at->state = above == NULL ? NULL : policy_path_step(policy, above, at->name);
        policy_state_unref(above);
        policy_unref(request->policy);
        request->policy = policy;
        if (at->state == NULL) {
            return -ESTALE;
        }
        r = enter(request, side, directory, ret_entry);
    }
    return r;
}

static int lookup_once(struct tree *tree, const struct caller *caller, uint64_t directory,
                       struct str_view name, struct fs_entry *ret_entry)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "lookup");
    AUTO(descriptor_release) struct descriptor *above = NULL;
    int r = fs_request_name(&request, directory, name, NEEDS(LOOKUP), 0);

    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].directory, &above);
    }
    if (r == 0) {
        r = enter(&request, 0, above->fd, ret_entry);
    }
    if (r == 0 && !S_ISDIR(ret_entry->status.stx_mode)) {
        listing_hint_looked(&tree->listings, request.sides[0].directory, request.started_ns);
    }
    return r == -EAGAIN ? r : fs_request_done(&request, r);
}

int fs_lookup(struct tree *tree, const struct caller *caller, uint64_t directory,
              struct str_view name, struct fs_entry *ret_entry)
{
    int r = -EAGAIN;

    *ret_entry = (struct fs_entry){0};
    if (virtual_lookup(tree, directory, name, ret_entry, &r)) {
        return r;
    }
    r = -EAGAIN;
    /* -EAGAIN: a new policy came between the verdict and the entry; it must not be of the old. */
    for (int tries = 0; tries < 8 && r == -EAGAIN; tries++) {
        r = lookup_once(tree, caller, directory, name, ret_entry);
    }
    return r;
}

void fs_forget(struct tree *tree, uint64_t node, uint64_t count)
{
    node_table_forget(&tree->nodes, node, count);
}

int fs_getattr(struct tree *tree, const struct caller *caller, uint64_t node, uint64_t handle,
               struct statx *ret_status)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "getattr");
    struct open_file *file;
    int r;

    if (virtual_is(node)) {
        virtual_status(tree, node, ret_status);
        return 0;
    }
    file = handle == 0 ? NULL : open_file_get(&tree->files, handle);
    r = fs_request_object(&request, node, NEEDS(LOOKUP), 0);

    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0 && file != NULL && file->node == request.sides[0].node) {
        r = tree_status_of(file->descriptor->fd, ret_status);
    } else if (r == 0) {
        r = tree_status(tree, request.sides[0].node, ret_status);
    }
    if (r == 0) {
        atomic_store_explicit(&request.sides[0].node->links, ret_status->stx_nlink,
                              memory_order_relaxed);
    }
    open_file_put(&tree->files, file);
    return fs_request_done(&request, r);
}

/* What the operations that the mask stands for would answer, so that access(2) tells the truth. */
static int access_by_policy(struct tree *tree, const struct node *node, int mask)
{
    unsigned int needs = 0;
    enum fs_operation operation;

    if ((mask & R_OK) != 0) {
        needs |= node->type == S_IFDIR ? NEEDS(LIST) : NEEDS(READ);
    }
    if ((mask & W_OK) != 0 && node->type != S_IFDIR) {
        needs |= NEEDS(WRITE);
    }
    if (needs == 0) {
        return 0;
    }
    return decision_permits(node_table_decide(&tree->nodes, node, needs, &operation, NULL))
               ? 0
               : -EACCES;
}

int fs_access(struct tree *tree, const struct caller *caller, uint64_t node, int mask)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "access");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    struct acting acting = {0};
    char text[TREE_FD_TEXT_MAX];
    int r;

    if (virtual_is(node)) {
        return (mask & W_OK) != 0 ? -EACCES : 0;
    }
    r = fs_request_object(&request, node, NEEDS(LOOKUP), 0);

    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = access_by_policy(tree, request.sides[0].node, mask);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].node, &held);
    }
    if (r == 0 && request.sides[0].node->type != S_IFLNK) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);
        if (r == 0) {
            /* AT_EACCESS: as the thread acts now, not as the process was started. */
            if (faccessat(tree->proc_fd, tree_fd_text(held->fd, text), mask & (R_OK | W_OK | X_OK),
                          AT_EACCESS) < 0) {
                r = -errno;
            }
            caller_leave(&acting);
        }
    }
    return fs_request_done(&request, r);
}

ssize_t fs_readlink(struct tree *tree, const struct caller *caller, uint64_t node, char *target,
                    size_t size)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "readlink");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    ssize_t length = 0;
    int r = fs_request_object(&request, node, NEEDS(READ), 0);

    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].node, &held);
    }
    if (r == 0) {
        length = readlinkat(held->fd, "", target, size);
        r = length < 0 ? -errno : 0;
    }
    r = fs_request_done(&request, r);
    return r < 0 ? r : length;
}

int fs_statfs(struct tree *tree, const struct caller *caller, uint64_t node,
              struct statvfs *ret_status)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "statfs");
    int r = fs_request_object(&request, node, NEEDS(LOOKUP), 0);

    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0 && fstatvfs(tree->root_fd, ret_status) < 0) {
        r = -errno;
    }
    return fs_request_done(&request, r);
}
