/*
 * Kernel passthrough: the kernel reads and writes the backing file of an open file by itself.
 *
 * The file was opened before, as the caller and with the caller's access mode (SR14): only that
 * descriptor is handed over. An inode is in one mode while anybody has it open, carried or plain,
 * because the kernel answers EIO to a mixture; the first open decides. A file with set-id bits is
 * plain: the kernel would write it without clearing them. When the kernel will not
 * take a file (no CAP_SYS_ADMIN in the first user namespace, a stack that is too deep, a foreign
 * file system) that inode is plain, and nothing else changes: never EIO, and no other inode is
 * affected.
 *
 * Threads: any; one lock per group of inodes, held across the one ioctl.
 */
#ifndef FAILCORE_FUSEFS_BACKING_FILES_H
#define FAILCORE_FUSEFS_BACKING_FILES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fusefs/open_file.h"

#define BACKING_LOCKS 64

struct backing_files {
    int device;          /* borrowed */
    atomic_bool enabled; /* the kernel has agreed at INIT */
    atomic_int error;    /* positive errno of the first refusal, for the status line */
    pthread_mutex_t locks[BACKING_LOCKS];
};

void backing_files_init(struct backing_files *backing, int device);

/* True with the id for the reply to OPEN or CREATE; false: answer as without passthrough. Counts
 * the file either way. */
bool backing_files_open(struct backing_files *backing, struct open_file *file, int *ret_id);
/* When the kernel has released the file (or never took it). */
void backing_files_close(struct backing_files *backing, struct open_file *file);

#endif
