#include "fusefs/virtual_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define DENIALS_NAME "denials"

void virtual_status(const struct tree *tree, uint64_t node, struct statx *ret_status)
{
    *ret_status = (struct statx){
        .stx_mask = STATX_BASIC_STATS,
        .stx_ino = UINT64_MAX - node, /* no backing file system counts that far */
        .stx_mode = node == VIRTUAL_DIRECTORY_ID ? S_IFDIR | 0555 : S_IFREG | 0444,
        .stx_nlink = 1,
        .stx_uid = tree->owner_uid,
        .stx_gid = tree->owner_gid,
        .stx_blksize = 4096,
    };
}

static void give(const struct tree *tree, uint64_t node, struct fs_entry *ret_entry)
{
    *ret_entry = (struct fs_entry){.node = node};
    virtual_status(tree, node, &ret_entry->status);
}

bool virtual_lookup(struct tree *tree, uint64_t directory, struct str_view name,
                    struct fs_entry *ret_entry, int *ret_error)
{
    *ret_error = 0;
    if (directory == NODE_ROOT_ID && str_view_equals_text(name, RESERVED_NAME)) {
        give(tree, VIRTUAL_DIRECTORY_ID, ret_entry);
        return true;
    }
    if (directory == VIRTUAL_DIRECTORY_ID) {
        if (str_view_equals_text(name, DENIALS_NAME)) {
            give(tree, VIRTUAL_DENIALS_ID, ret_entry);
        } else {
            *ret_error = -ENOENT;
        }
        return true;
    }
    return false;
}

/* An ordinary handle over a memory file, so that reading and closing need nothing special. */
static int add_handle(struct tree *tree, int taken_fd, bool directory, uint64_t *ret_handle)
{
    struct open_file *added = NULL;
    struct open_file file = {
        .node = node_pin(tree->nodes.root),
        .descriptor = descriptor_new(taken_fd),
        .flags = O_RDONLY,
        .is_virtual = true,
    };
    int r = -ENOMEM;

    if (file.descriptor != NULL && directory) {
        file.stream = directory_stream_new(file.descriptor->fd, NULL, NULL);
    }
    if (file.descriptor != NULL && (!directory || file.stream != NULL)) {
        r = open_file_add(&tree->files, &file, &added);
    }
    if (r < 0) {
        directory_stream_free(file.stream);
        descriptor_unref(file.descriptor);
        node_table_unpin(&tree->nodes, file.node);
        return r;
    }
    *ret_handle = added->handle;
    open_file_put(&tree->files, added);
    return 0;
}

int virtual_open(struct tree *tree, const struct caller *caller, uint64_t node, int flags,
                 uint64_t *ret_handle)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int fd;

    if (node != VIRTUAL_DENIALS_ID || (flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY) {
        return -EACCES;
    }
    denials_print(&tree->denials, caller->uid, &text);
    if (text_buffer_error(&text) < 0) {
        return -ENOMEM;
    }
    fd = memory_file_from("denials", text_buffer_text(&text), text.length);
    return fd < 0 ? fd : add_handle(tree, fd, false, ret_handle);
}

int virtual_opendir(struct tree *tree, uint64_t node, uint64_t *ret_handle)
{
    int fd;

    if (node != VIRTUAL_DIRECTORY_ID) {
        return -ENOTDIR;
    }
    fd = dup(tree->proc_fd); /* never read: the listing is empty */
    if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -errno;
    }
    return add_handle(tree, fd, true, ret_handle);
}

int virtual_why(struct tree *tree, const struct node *node, struct text_buffer *text)
{
    for (unsigned int i = 0; i < FS_LOOKUP; i++) {
        enum fs_operation operation;
        AUTO(policy_release) struct policy *policy = NULL;
        struct decision decision =
            node_table_decide(&tree->nodes, node, 1u << i, &operation, &policy);
        struct str_view rule;

        if (decision_permits(decision) || decision.verdict == VERDICT_HIDE) {
            continue;
        }
        rule = policy_rule_id(policy, decision.rule);
        text_buffer_printf(text, "%s: %s, rule %.*s", fs_operation_word((enum fs_operation)i),
                           denial_code_word(decision.code), STR_VIEW_PRINTF(rule));
        if (decision.reason.length > 0) {
            text_buffer_append_text(text, ": ");
            text_buffer_append(text, decision.reason);
        }
        text_buffer_append_char(text, '\n');
    }
    return text_buffer_error(text);
}
