/*
 * Parts of the kernel's FUSE protocol that are newer than the library we link against
 * (include/uapi/linux/fuse.h of Linux 6.18; the numbers are ABI and never change).
 */
#ifndef FAILCORE_FUSEFS_FUSE_ABI_H
#define FAILCORE_FUSEFS_FUSE_ABI_H

#include <linux/fuse.h>
#include <linux/ioctl.h>
#include <stdint.h>

/* INIT flags of the second word (bits 32 and up of the whole). */
#define FUSE_ABI_PASSTHROUGH2 (1u << 5)
#define FUSE_ABI_OVER_URING2  (1u << 9)

/* fuse_init_out of protocol 7.40: the library's `unused[0]` is max_stack_depth by now. */
struct fuse_abi_init_out {
    uint32_t major;
    uint32_t minor;
    uint32_t max_readahead;
    uint32_t flags;
    uint16_t max_background;
    uint16_t congestion_threshold;
    uint32_t max_write;
    uint32_t time_gran;
    uint16_t max_pages;
    uint16_t map_alignment;
    uint32_t flags2;
    uint32_t max_stack_depth;
    uint16_t request_timeout;
    uint16_t unused[11];
};

#define FUSE_ABI_FOPEN_PASSTHROUGH (1u << 7)

struct fuse_abi_open_out {
    uint64_t fh;
    uint32_t open_flags;
    int32_t backing_id;
};

/* ioctls on the device descriptor: _IOW(229, 1, ...) and _IOW(229, 2, uint32_t). */
struct fuse_abi_backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};
#define FUSE_ABI_BACKING_OPEN  _IOW(229, 1, struct fuse_abi_backing_map)
#define FUSE_ABI_BACKING_CLOSE _IOW(229, 2, uint32_t)

/* FUSE over io_uring (6.14): what an entry's two buffers hold, and the commands on the device. */
struct fuse_abi_ring_header {
    char in_out[128]; /* struct fuse_in_header, then struct fuse_out_header */
    char op_in[128];  /* the request's own fixed part */
    struct {
        uint64_t flags;
        uint64_t commit_id;
        uint32_t payload_size;
        uint32_t padding;
        uint64_t reserved;
    } entry;
};
struct fuse_abi_ring_command {
    uint64_t flags;
    uint64_t commit_id;
    uint16_t queue;
    uint8_t padding[6];
};
#define FUSE_ABI_RING_REGISTER         1
#define FUSE_ABI_RING_COMMIT_AND_FETCH 2

/* Notification: every cached dentry of the mount is asked for again (6.16). */
#define FUSE_ABI_NOTIFY_INC_EPOCH 8

/* Opcode of open(2) with O_TMPFILE; the request is laid out as FUSE_CREATE. */
#define FUSE_ABI_TMPFILE 51

#endif
