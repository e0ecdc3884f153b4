/*
 * The kernel's requests as libfuse's low-level API gives them: unpack, call, one reply.
 */
#ifndef FAILCORE_FUSEFS_REQUESTS_H
#define FAILCORE_FUSEFS_REQUESTS_H

#include <stdbool.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

struct server;

/* The most data in one request: larger ones save little, and each ring entry holds one. */
#define REQUEST_DATA_MAX (256u * 1024u)

/* What the profile serves; with `attributes` false the kernel is told once that there are no
 * extended attributes, and never asks again. */
struct fuse_lowlevel_ops requests_table(bool attributes, bool kernel_checks_permissions);

#endif
