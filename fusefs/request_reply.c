#include "fusefs/request_reply.h"

#include <errno.h>

void reply_result(fuse_req_t request, int result)
{
    fuse_reply_err(request, -result);
}

struct fuse_entry_param entry_param(fuse_req_t request, const struct fs_entry *entry)
{
    struct fuse_entry_param param = {
        .ino = entry->node,
        .generation = 0,
        .attr_timeout = timeout_of(request),
        .entry_timeout = timeout_of(request),
    };

    tree_fill_stat(tree_of(request), &entry->status, &param.attr);
    return param;
}

void reply_entry(fuse_req_t request, int result, const struct fs_entry *entry)
{
    struct fuse_entry_param param;

    if (result < 0) {
        fuse_reply_err(request, -result);
        return;
    }
    param = entry_param(request, entry);
    if (fuse_reply_entry(request, &param) == -ENOENT) {
        fs_forget(tree_of(request), entry->node, 1); /* interrupted: the kernel did not take it */
    }
}

void reply_attributes(fuse_req_t request, int result, const struct statx *status)
{
    struct stat attributes;

    if (result < 0) {
        fuse_reply_err(request, -result);
        return;
    }
    tree_fill_stat(tree_of(request), status, &attributes);
    fuse_reply_attr(request, &attributes, timeout_of(request));
}

void reply_bytes(fuse_req_t request, ssize_t result, const void *bytes)
{
    if (result < 0) {
        fuse_reply_err(request, (int)-result);
    } else {
        fuse_reply_buf(request, bytes, (size_t)result);
    }
}
