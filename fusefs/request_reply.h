/*
 * What every handler of a request begins and ends with: whose tree it is about and who asks, and
 * the replies that several of them give.
 *
 * For requests.c and the files of handlers beside it: here and in them the sign of errno changes.
 * Each reply ends its request: `request` is not to be used after it. A result below zero is a
 * negative errno, and then nothing else is looked at.
 */
#ifndef FAILCORE_FUSEFS_REQUEST_REPLY_H
#define FAILCORE_FUSEFS_REQUEST_REPLY_H

#include <sys/types.h>

#include "fusefs/operations.h"
#include "fusefs/requests.h"
#include "fusefs/server.h"

/* The most that a read or a listing answers with, whatever was asked for. */
#define REPLY_MAX (1u << 20)

static inline struct tree *tree_of(fuse_req_t request)
{
    struct server *server = fuse_req_userdata(request);

    return server->tree;
}

static inline struct caller caller_of(fuse_req_t request)
{
    const struct fuse_ctx *context = fuse_req_ctx(request);

    return (struct caller){
        .tid = context->pid,
        .uid = context->uid,
        .gid = context->gid,
        .umask = context->umask,
    };
}

/* How long the kernel may remember a name or attributes, in seconds. */
static inline double timeout_of(fuse_req_t request)
{
    return tree_of(request)->options.timeout_seconds;
}

struct fuse_entry_param entry_param(fuse_req_t request, const struct fs_entry *entry);

void reply_result(fuse_req_t request, int result);
/* Gives the reference of the entry back when the kernel did not take it. */
void reply_entry(fuse_req_t request, int result, const struct fs_entry *entry);
void reply_attributes(fuse_req_t request, int result, const struct statx *status);
void reply_bytes(fuse_req_t request, ssize_t result, const void *bytes);

#endif
