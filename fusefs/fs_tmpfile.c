/*
 * Files without a name: open(2) with O_TMPFILE.
 *
 * What is written into one is out of everybody's reach until it is linked somewhere, but a rule on
 * a name must hold for what comes to bear that name. So the file is judged as TMPFILE_NAME in its
 * directory, it keeps that state for a name, and fs_link() permits only a name that may be created
 * and whose rules are the same (SR12): who holds the descriptor could do to that name what it
 * could do to this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/fs_opening.h"
#include "fusefs/operations.h"

#include "shared/base/cleanup.h"

/* Under the policy of the moment, should another have come since the file was permitted. */
static int enter_nameless(struct fs_request *request, const struct statx *status,
                          struct node **ret_node)
{
    struct node_table *nodes = &request->tree->nodes;
    const struct fs_side *side = &request->sides[0];
    int r = -EAGAIN;

    for (int tries = 0; tries < 8 && r == -EAGAIN; tries++) {
        struct policy *policy = NULL;
        uint64_t epoch = 0;
        const struct policy_state *above =
            node_table_directory_state(nodes, side->directory, &policy, &epoch);
        const struct policy_state *state =
            above == NULL ? NULL : policy_path_step(policy, above, side->name);

        r = state == NULL ? -ESTALE
                          : node_table_enter_nameless(nodes, side->directory, side->name, state,
                                                      epoch, status, ret_node);
        policy_state_unref(state);
        policy_state_unref(above);
        policy_unref(policy);
    }
    return r;
}

int fs_tmpfile(struct tree *tree, const struct caller *caller, uint64_t directory, int flags,
               mode_t mode, struct fs_entry *ret_entry, uint64_t *ret_handle)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "tmpfile");
    AUTO(descriptor_release) struct descriptor *above = NULL;
    AUTO_CLOSE int fd = -1;
    struct node *node = NULL;
    unsigned int needs = fs_opening_needs(flags);
    /* O_EXCL: may not be linked at all, which the file system below is to know, too. */
    int lower = (flags & (FS_OPENING_FLAGS | O_EXCL)) | O_TMPFILE | O_CLOEXEC;
    int r = fs_request_name(&request, directory, str_view_from(TMPFILE_NAME), needs | NEEDS(CREATE),
                            SIDE_APPEARS);

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
        r = fs_opening_make(&request, above->fd, ".", lower, mode, &fd);
    }
    if (r == 0) {
        r = tree_status_of(fd, &ret_entry->status);
    }
    if (r == 0) {
        request.inode = ret_entry->status.stx_ino;
        r = enter_nameless(&request, &ret_entry->status, &node);
    }
    if (r == 0) {
        ret_entry->node = node->id;
        fs_breaker_made(tree, &ret_entry->status);
        r = fs_opening_add(&request, node, take_fd(&fd), flags, needs, ret_entry->status.stx_mode,
                           ret_handle);
        if (r < 0) {
            fs_forget(tree, node->id, 1);
        }
    }
    node_table_unpin(&tree->nodes, node);
    return fs_request_done(&request, r);
}
