/*
 * An open whose data the kernel is to carry (backing_files.h), and the two replies that say so: the
 * library cannot yet. Both return what the library returns: -ENOENT when the kernel did not take
 * the reply.
 */
#ifndef FAILCORE_FUSEFS_CARRIED_OPEN_H
#define FAILCORE_FUSEFS_CARRIED_OPEN_H

#include <stdbool.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/requests.h"

/* Whether the kernel is to carry the data of what was just opened as `handle`. */
bool carried_open_begin(fuse_req_t request, uint64_t handle, struct fuse_abi_open_out *ret_opened);

int carried_open_reply(fuse_req_t request, const struct fuse_abi_open_out *opened);
int carried_open_reply_create(fuse_req_t request, const struct fuse_entry_param *param,
                              const struct fuse_abi_open_out *opened);

#endif
