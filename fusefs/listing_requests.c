#include "fusefs/listing_requests.h"

#include <errno.h>
#include <stdlib.h>

#include "fusefs/request_reply.h"
#include "shared/base/cleanup.h"

static void on_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
    struct caller caller = caller_of(request);
    struct tree *tree = tree_of(request);
    uint64_t handle = 0;
    bool kept = false;
    int r = fs_opendir(tree, &caller, node, &kept, &handle);

    if (r < 0) {
        fuse_reply_err(request, -r);
        return;
    }
    file->fh = handle;
    file->cache_readdir = !tree->options.strict;
    file->keep_cache = kept;
    if (fuse_reply_open(request, file) == -ENOENT) {
        fs_release(tree, &caller, handle);
    }
}

struct listing_reply {
    fuse_req_t request;
    char *bytes;
    size_t size;
    size_t used;
    bool plus;
};

static bool add_entry(void *context, const struct fs_listing_entry *entry)
{
    struct listing_reply *reply = context;
    char *at = reply->bytes + reply->used;
    size_t left = reply->size - reply->used;
    size_t needed;

    if (reply->plus) {
        struct fuse_entry_param param = {0};

        if (entry->node != 0) {
            const struct fs_entry given = {.node = entry->node, .status = entry->status};

            param = entry_param(reply->request, &given);
        }
        /* An entry without a node is listed and not looked up. */
        param.attr.st_ino = entry->raw.inode;
        param.attr.st_mode = entry->node != 0 ? param.attr.st_mode : (mode_t)entry->raw.type << 12;
        needed = fuse_add_direntry_plus(reply->request, at, left, entry->raw.name.bytes, &param,
                                        (off_t)entry->raw.next);
    } else {
        struct stat plain = {
            .st_ino = entry->raw.inode,
            .st_mode = (mode_t)entry->raw.type << 12,
        };

        needed = fuse_add_direntry(reply->request, at, left, entry->raw.name.bytes, &plain,
                                   (off_t)entry->raw.next);
    }
    if (needed > left) {
        return false;
    }
    reply->used += needed;
    return true;
}

static void reply_listing(fuse_req_t request, size_t size, off_t position,
                          const struct fuse_file_info *file, bool plus)
{
    struct caller caller = caller_of(request);
    AUTO_FREE char *bytes = NULL;
    struct listing_reply reply = {.request = request, .plus = plus};
    int r;

    reply.size = size < REPLY_MAX ? size : REPLY_MAX;
    bytes = malloc(reply.size + 1);
    if (bytes == NULL) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    reply.bytes = bytes;
    r = fs_readdir(tree_of(request), &caller, file->fh, (uint64_t)position, plus, add_entry,
                   &reply);
    if (r < 0 && reply.used == 0) {
        fuse_reply_err(request, -r);
    } else {
        /* What was read before an error is given; the error comes back with the next call. */
        fuse_reply_buf(request, bytes, reply.used);
    }
}

static void on_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t position,
                       struct fuse_file_info *file)
{
    (void)node;
    reply_listing(request, size, position, file, false);
}

static void on_readdirplus(fuse_req_t request, fuse_ino_t node, size_t size, off_t position,
                           struct fuse_file_info *file)
{
    (void)node;
    reply_listing(request, size, position, file, true);
}

void listing_requests_add(struct fuse_lowlevel_ops *table)
{
    table->opendir = on_opendir;
    table->readdir = on_readdir;
    table->readdirplus = on_readdirplus;
}
