/*
 * Renames and exchanges.
 *
 * What two names permit must agree before their objects may trade places (SR12): for a file the
 * verdicts on the name, for a directory the rules for everything below as well. A name whose type
 * we have not seen counts as a directory. Whether a target is replaced is not asked but forced: a
 * target that we do not know of is renamed onto with RENAME_NOREPLACE, and only when that finds
 * one is `delete` asked for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/operations.h"

#include "shared/base/cleanup.h"

struct renaming {
    uint64_t old_directory;
    uint64_t new_directory;
    struct str_view old_name;
    struct str_view new_name;
    unsigned int flags; /* of renameat2(2) */
    bool replaces;      /* the target is there and may go */
};

#define RENAMING_TARGET_EXISTS 1 /* result of rename_once: ask again with `replaces` */

static int begin(struct fs_request *request, const struct renaming *renaming)
{
    unsigned int target_needs = NEEDS(RENAME);
    mode_t old_type;
    mode_t new_type;
    int r;

    if (renaming->replaces) {
        target_needs |= NEEDS(DELETE);
    }
    r = fs_request_name(request, renaming->old_directory, renaming->old_name, NEEDS(RENAME),
                        (renaming->flags & RENAME_EXCHANGE) != 0 ? SIDE_APPEARS : 0);
    if (r == 0) {
        r = fs_request_name(request, renaming->new_directory, renaming->new_name, target_needs,
                            SIDE_APPEARS);
    }
    if (r < 0) {
        return r;
    }
    old_type =
        node_table_type(&request->tree->nodes, request->sides[0].directory, renaming->old_name);
    new_type =
        node_table_type(&request->tree->nodes, request->sides[1].directory, renaming->new_name);
    request->pairing = PAIR_SAME_FILE_RULES;
    if (old_type == 0 || S_ISDIR(old_type) ||
        ((renaming->flags & RENAME_EXCHANGE) != 0 && (new_type == 0 || S_ISDIR(new_type)))) {
        request->pairing = PAIR_SAME_TREE_RULES;
    }
    return fs_gate(request);
}

/* A directory that was judged as a file has come in between: not what was asked about. */
static int check_types(const struct fs_request *request, const struct renaming *renaming,
                       int old_directory, int new_directory)
{
    struct statx status;
    int r;

    if (request->pairing == PAIR_SAME_TREE_RULES) {
        return 0;
    }
    r = tree_status_at(old_directory, renaming->old_name.bytes, &status);
    if (r == 0 && S_ISDIR(status.stx_mode)) {
        return -EXDEV;
    }
    if (r == 0 && (renaming->flags & RENAME_EXCHANGE) != 0) {
        r = tree_status_at(new_directory, renaming->new_name.bytes, &status);
        if (r == 0 && S_ISDIR(status.stx_mode)) {
            return -EXDEV;
        }
    }
    return r;
}

static bool may_be_link(struct fs_request *request, unsigned int side)
{
    mode_t type = node_table_type(&request->tree->nodes, request->sides[side].directory,
                                  request->sides[side].name);

    return type == 0 || S_ISLNK(type);
}

static int check_links(struct fs_request *request, const struct renaming *renaming,
                       int old_directory, int new_directory)
{
    int r = 0;

    if (may_be_link(request, 0)) {
        r = fs_symlink_check_moved(request, 0, 1, old_directory, renaming->old_name.bytes);
    }
    if (r == 0 && (renaming->flags & RENAME_EXCHANGE) != 0 && may_be_link(request, 1)) {
        r = fs_symlink_check_moved(request, 1, 0, new_directory, renaming->new_name.bytes);
    }
    return r;
}

static int rename_names(int old_directory, const char *old_name, int new_directory,
                        const char *new_name, unsigned int flags)
{
    if (syscall(SYS_renameat2, old_directory, old_name, new_directory, new_name, flags) < 0) {
        return -errno;
    }
    return 0;
}

static int rename_once(struct tree *tree, const struct caller *caller,
                       const struct renaming *renaming)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "rename");
    AUTO(descriptor_release) struct descriptor *from = NULL;
    AUTO(descriptor_release) struct descriptor *to = NULL;
    struct acting acting = {0};
    unsigned int flags = renaming->flags;
    int r;

    request.changes = true;
    request.flags = flags;
    r = begin(&request, renaming);
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].directory, &from);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[1].directory, &to);
    }
    if (r == 0) {
        r = check_types(&request, renaming, from->fd, to->fd);
    }
    if (r == 0) {
        r = check_links(&request, renaming, from->fd, to->fd);
    }
    if (r == 0) {
        r = fs_breaker_rename(&request, from->fd, renaming->old_name.bytes, to->fd,
                              renaming->new_name.bytes, flags);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);
    }
    if (r < 0) {
        return fs_request_done(&request, r);
    }
    if (!renaming->replaces && (flags & RENAME_EXCHANGE) == 0) {
        flags |= RENAME_NOREPLACE;
    }
    r = rename_names(from->fd, renaming->old_name.bytes, to->fd, renaming->new_name.bytes, flags);
    caller_leave(&acting);
    if (r == -EEXIST && (renaming->flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == 0 &&
        !renaming->replaces) {
        fs_breaker_done(&request, r);
        return RENAMING_TARGET_EXISTS;
    }
    if (r == 0 && (flags & RENAME_EXCHANGE) != 0) {
        node_table_exchange_names(&tree->nodes, request.sides[0].directory, renaming->old_name,
                                  request.sides[0].state, request.sides[1].directory,
                                  renaming->new_name, request.sides[1].state, request.epoch);
    } else if (r == 0) {
        node_table_move_name(&tree->nodes, request.sides[0].directory, renaming->old_name,
                             request.sides[1].directory, renaming->new_name, request.sides[1].state,
                             request.epoch);
    }
    return fs_request_done(&request, r);
}

int fs_rename(struct tree *tree, const struct caller *caller, uint64_t old_directory,
              struct str_view old_name, uint64_t new_directory, struct str_view new_name,
              unsigned int flags)
{
    struct renaming renaming = {
        .old_directory = old_directory,
        .new_directory = new_directory,
        .old_name = old_name,
        .new_name = new_name,
        .flags = flags,
    };
    int r;

    /* RENAME_WHITEOUT makes a device node: only overlayfs asks for it. */
    if ((flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
        (flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == (RENAME_NOREPLACE | RENAME_EXCHANGE)) {
        return -EINVAL;
    }
    if ((flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == 0) {
        struct node *directory = node_table_pin(&tree->nodes, new_directory);

        if (directory != NULL) {
            renaming.replaces = node_table_type(&tree->nodes, directory, new_name) != 0;
            node_table_unpin(&tree->nodes, directory);
        }
    }
    r = rename_once(tree, caller, &renaming);
    if (r == RENAMING_TARGET_EXISTS) {
        renaming.replaces = true;
        r = rename_once(tree, caller, &renaming);
    }
    return r;
}
