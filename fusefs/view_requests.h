/*
 * The run's root: a tree of names without a file system behind it (shared/confine/view_tree.h),
 * spoken of in the kernel's own FUSE protocol, since the few requests that such a tree has need no
 * library. Everything that is to be read lies in mounts on top of these names, so that the kernel
 * asks for each of them once and for good.
 *
 * What is not a name of the tree is outside the run's view: answered as absent, and recorded first
 * (`record`). The kernel remembers such an answer for `absent_seconds`: so long another look at the
 * same name leaves no other record, which keeps a loop from filling the log.
 *
 * Plain functions over bytes; the device and the thread are view_session.h's. Threads: none of its
 * own; the tree does not change.
 */
#ifndef FAILCORE_FUSEFS_VIEW_REQUESTS_H
#define FAILCORE_FUSEFS_VIEW_REQUESTS_H

#include <linux/fuse.h>
#include <stddef.h>

#include "shared/confine/view_tree.h"

/* The kernel's least (FUSE_MIN_READ_BUFFER); no request of this tree is larger. */
#define VIEW_REQUEST_MAX 8192u
#define VIEW_REPLY_MAX   32768u

/* A look at what this run does not see. */
struct view_look {
    const struct fuse_in_header *from;
    const char *operation; /* "lookup", "list" */
    struct str_view path;  /* absolute */
    int error;             /* positive: what the caller gets */
};

struct view_service {
    const struct view_tree *tree;
    unsigned int absent_seconds;
    /* 0: it is in the log; else the look is answered with EIO. */
    int (*record)(void *context, const struct view_look *look);
    void *context;
};

struct view_reply {
    struct fuse_out_header header; /* len 0: nothing is answered */
    char body[VIEW_REPLY_MAX];
};

/* -EPROTO: those bytes are no request; nobody can be answered any more. */
int view_answer(const struct view_service *service, const void *request, size_t length,
                struct view_reply *ret_reply);

#endif
