#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fusefs/fs_breaker.h"
#include "fusefs/operations.h"

#include "shared/base/cleanup.h"

struct creation {
    mode_t mode;
    dev_t device;       /* devices only */
    const char *target; /* symbolic links only */
};

static int make(int directory, const char *name, const struct creation *creation)
{
    int r;

    if (creation->target != NULL) {
        r = symlinkat(creation->target, directory, name);
    } else if (S_ISDIR(creation->mode)) {
        r = mkdirat(directory, name, creation->mode & 07777);
    } else {
        r = mknodat(directory, name, creation->mode, creation->device);
    }
    return r < 0 ? -errno : 0;
}

static bool is_device(mode_t mode)
{
    return S_ISCHR(mode) || S_ISBLK(mode);
}

/* Set-id bits matter on what is executed; on directories they only hand the group down. */
static mode_t identities_of(mode_t mode)
{
    mode_t group = (mode & S_IXGRP) != 0 ? mode & S_ISGID : 0;

    return S_ISDIR(mode) ? 0 : (mode & S_ISUID) | group;
}

int fs_gate_set_id(struct fs_request *request, mode_t from, mode_t to)
{
    if ((identities_of(to) & ~identities_of(from)) == 0 ||
        policy_fs_settings(request->policy).setuid) {
        return 0;
    }
    return fs_gate_refuse(request, DENIAL_PATH_DENIED,
                          "set-id bits need filesystem.setuid in the policy");
}

static int check_creation(struct fs_request *request, const struct creation *creation)
{
    int r;

    if (is_device(creation->mode) && !policy_fs_settings(request->policy).devices) {
        return fs_gate_refuse(request, DENIAL_PATH_DENIED,
                              "device nodes need filesystem.devices in the policy");
    }
    r = fs_gate_set_id(request, 0, creation->mode);
    return r == 0 && creation->target != NULL ? fs_symlink_check(request, 0, creation->target) : r;
}

static int create_name(struct tree *tree, const struct caller *caller, const char *word,
                       uint64_t directory, struct str_view name, const struct creation *creation,
                       struct fs_entry *ret_entry)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, word);
    AUTO(descriptor_release) struct descriptor *above = NULL;
    struct acting acting = {0};
    int r = fs_request_name(&request, directory, name, NEEDS(CREATE), SIDE_APPEARS);

    request.changes = true;
    request.flags = creation->mode;
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = check_creation(&request, creation);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].directory, &above);
    }
    if (r == 0 && !S_ISDIR(creation->mode)) {
        r = fs_breaker_create(&request);
    }
    if (r == 0) {
        r = fs_request_take_disk(&request, S_ISDIR(creation->mode) ? DISK_BYTES_OF_DIRECTORY
                                           : creation->target != NULL
                                               ? DISK_BYTES_OF_NAME + strlen(creation->target)
                                               : DISK_BYTES_OF_NAME);
    }
    if (r == 0) {
        r = caller_use_umask(caller);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);
    }
    if (r == 0) {
        r = make(above->fd, name.bytes, creation);
        caller_leave(&acting);
    }
    if (r == 0) {
        r = fs_enter_made(&request, 0, above->fd, ret_entry);
    }
    if (r == 0) {
        fs_breaker_made(tree, &ret_entry->status);
    }
    return fs_request_done(&request, r);
}

int fs_mkdir(struct tree *tree, const struct caller *caller, uint64_t directory,
             struct str_view name, mode_t mode, struct fs_entry *ret_entry)
{
    const struct creation creation = {.mode = S_IFDIR | (mode & 07777)};

    return create_name(tree, caller, "mkdir", directory, name, &creation, ret_entry);
}

int fs_mknod(struct tree *tree, const struct caller *caller, uint64_t directory,
             struct str_view name, mode_t mode, dev_t device, struct fs_entry *ret_entry)
{
    const struct creation creation = {.mode = mode, .device = device};

    if (S_ISDIR(mode) || S_ISLNK(mode)) {
        return -EINVAL;
    }
    return create_name(tree, caller, "mknod", directory, name, &creation, ret_entry);
}

int fs_symlink(struct tree *tree, const struct caller *caller, const char *target,
               uint64_t directory, struct str_view name, struct fs_entry *ret_entry)
{
    const struct creation creation = {.mode = S_IFLNK, .target = target};

    return create_name(tree, caller, "symlink", directory, name, &creation, ret_entry);
}

static int remove_name(struct tree *tree, const struct caller *caller, const char *word,
                       uint64_t directory, struct str_view name, int flags)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, word);
    AUTO(descriptor_release) struct descriptor *above = NULL;
    struct acting acting = {0};
    int r = fs_request_name(&request, directory, name, NEEDS(DELETE), 0);

    request.changes = true;
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].directory, &above);
    }
    if (r == 0) {
        r = fs_breaker_remove(&request, above->fd, name.bytes);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);
    }
    if (r == 0) {
        if (unlinkat(above->fd, name.bytes, flags) < 0) {
            r = -errno;
        }
        caller_leave(&acting);
    }
    if (r == 0) {
        node_table_remove_name(&tree->nodes, request.sides[0].directory, name);
    }
    return fs_request_done(&request, r);
}

int fs_unlink(struct tree *tree, const struct caller *caller, uint64_t directory,
              struct str_view name)
{
    return remove_name(tree, caller, "unlink", directory, name, 0);
}

int fs_rmdir(struct tree *tree, const struct caller *caller, uint64_t directory,
             struct str_view name)
{
    return remove_name(tree, caller, "rmdir", directory, name, AT_REMOVEDIR);
}

/* Without a name here, but linked: it was moved out of the workspace, and would come back by
 * whoever has it open. */
static int check_nameless(struct fs_request *request, const struct descriptor *held)
{
    struct statx status;
    int r = tree_status_of(held->fd, &status);

    return r < 0 ? r
           : status.stx_nlink == 0
               ? 0
               : fs_gate_refuse(request, DENIAL_LINK_ESCAPE, "the file lies outside the workspace");
}

int fs_link(struct tree *tree, const struct caller *caller, uint64_t node, uint64_t directory,
            struct str_view name, struct fs_entry *ret_entry)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "link");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    AUTO(descriptor_release) struct descriptor *above = NULL;
    struct acting acting = {0};
    char text[TREE_FD_TEXT_MAX];
    unsigned int needs = NEEDS(LINK);
    int r = fs_request_object(&request, node, needs, SIDE_CHANGES);

    request.changes = true;
    request.pairing = PAIR_SAME_FILE_RULES;
    if (r == 0 && node_table_name_count(&tree->nodes, request.sides[0].node) == 0) {
        needs = NEEDS(CREATE); /* its first name: what O_TMPFILE began ends here */
        request.sides[0].needs = needs;
    }
    if (r == 0) {
        r = fs_request_name(&request, directory, name, needs, SIDE_APPEARS);
    }
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].node, &held);
    }
    if (r == 0 && needs == NEEDS(CREATE)) {
        r = check_nameless(&request, held);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[1].directory, &above);
    }
    if (r == 0 && request.sides[0].node->type == S_IFLNK) {
        r = fs_symlink_check_moved(&request, 0, 1, held->fd, "");
    }
    if (r == 0) {
        r = fs_breaker_link(&request, held->fd);
    }
    if (r == 0) {
        r = fs_request_take_disk(&request, DISK_BYTES_OF_NAME);
    }
    if (r == 0) {
        r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);
    }
    if (r == 0) {
        if (linkat(tree->proc_fd, tree_fd_text(held->fd, text), above->fd, name.bytes,
                   AT_SYMLINK_FOLLOW) < 0) {
            r = -errno;
        }
        caller_leave(&acting);
    }
    if (r == 0) {
        /* Both names count from here on; the entry is the same node with one more reference. */
        r = fs_enter_made(&request, 1, above->fd, ret_entry);
    }
    return fs_request_done(&request, r);
}
