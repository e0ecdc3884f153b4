/*
 * The requests that list directories: opened here, released like any handle (file_requests.h).
 */
#ifndef FAILCORE_FUSEFS_LISTING_REQUESTS_H
#define FAILCORE_FUSEFS_LISTING_REQUESTS_H

#include "fusefs/requests.h"

void listing_requests_add(struct fuse_lowlevel_ops *table);

#endif
