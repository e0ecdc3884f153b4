/*
 * The requests about open files: opening and making them, their data, letting them go. What is the
 * same for every handle, release and fsync, is done for directories as well.
 */
#ifndef FAILCORE_FUSEFS_FILE_REQUESTS_H
#define FAILCORE_FUSEFS_FILE_REQUESTS_H

#include "fusefs/requests.h"

void file_requests_add(struct fuse_lowlevel_ops *table);

#endif
