#include "fusefs/request_check.h"

#include <stdint.h>
#include <string.h>

#include "fusefs/fuse_abi.h"

#define WHOLE_WRITE_IN    sizeof(struct fuse_write_in)
#define SETXATTR_IN_SMALL 8u /* FUSE_COMPAT_SETXATTR_IN_SIZE: what this library negotiates */

/* The fixed part of each request, and how many NUL-terminated texts follow it. */
struct shape {
    uint32_t opcode;
    size_t fixed;
    unsigned int texts;
};

static const struct shape shapes[] = {
    {FUSE_LOOKUP, 0, 1},
    {FUSE_FORGET, sizeof(struct fuse_forget_in), 0},
    {FUSE_GETATTR, sizeof(struct fuse_getattr_in), 0},
    {FUSE_SETATTR, sizeof(struct fuse_setattr_in), 0},
    {FUSE_SYMLINK, 0, 2},
    {FUSE_MKNOD, sizeof(struct fuse_mknod_in), 1},
    {FUSE_MKDIR, sizeof(struct fuse_mkdir_in), 1},
    {FUSE_UNLINK, 0, 1},
    {FUSE_RMDIR, 0, 1},
    {FUSE_RENAME, sizeof(struct fuse_rename_in), 2},
    {FUSE_RENAME2, sizeof(struct fuse_rename2_in), 2},
    {FUSE_LINK, sizeof(struct fuse_link_in), 1},
    {FUSE_OPEN, sizeof(struct fuse_open_in), 0},
    {FUSE_READ, sizeof(struct fuse_read_in), 0},
    {FUSE_WRITE, WHOLE_WRITE_IN, 0},
    {FUSE_RELEASE, sizeof(struct fuse_release_in), 0},
    {FUSE_FSYNC, sizeof(struct fuse_fsync_in), 0},
    {FUSE_SETXATTR, SETXATTR_IN_SMALL, 1},
    {FUSE_GETXATTR, sizeof(struct fuse_getxattr_in), 1},
    {FUSE_LISTXATTR, sizeof(struct fuse_getxattr_in), 0},
    {FUSE_REMOVEXATTR, 0, 1},
    {FUSE_INIT, 16, 0},
    {FUSE_OPENDIR, sizeof(struct fuse_open_in), 0},
    {FUSE_READDIR, sizeof(struct fuse_read_in), 0},
    {FUSE_READDIRPLUS, sizeof(struct fuse_read_in), 0},
    {FUSE_RELEASEDIR, sizeof(struct fuse_release_in), 0},
    {FUSE_FSYNCDIR, sizeof(struct fuse_fsync_in), 0},
    {FUSE_ACCESS, sizeof(struct fuse_access_in), 0},
    {FUSE_CREATE, sizeof(struct fuse_create_in), 1},
    {FUSE_ABI_TMPFILE, sizeof(struct fuse_create_in), 1},
    {FUSE_INTERRUPT, sizeof(struct fuse_interrupt_in), 0},
    {FUSE_BATCH_FORGET, sizeof(struct fuse_batch_forget_in), 0},
    {FUSE_FALLOCATE, sizeof(struct fuse_fallocate_in), 0},
    {FUSE_LSEEK, sizeof(struct fuse_lseek_in), 0},
    {FUSE_COPY_FILE_RANGE, sizeof(struct fuse_copy_file_range_in), 0},
    {FUSE_FLUSH, sizeof(struct fuse_flush_in), 0},
    {FUSE_GETLK, sizeof(struct fuse_lk_in), 0},
    {FUSE_SETLK, sizeof(struct fuse_lk_in), 0},
    {FUSE_SETLKW, sizeof(struct fuse_lk_in), 0},
    {FUSE_BMAP, sizeof(struct fuse_bmap_in), 0},
    {FUSE_IOCTL, sizeof(struct fuse_ioctl_in), 0},
    {FUSE_POLL, sizeof(struct fuse_poll_in), 0},
    {FUSE_NOTIFY_REPLY, sizeof(struct fuse_notify_retrieve_in), 0},
    {FUSE_STATFS, 0, 0},
    {FUSE_READLINK, 0, 0},
    {FUSE_DESTROY, 0, 0},
};

static const struct shape *shape_of(uint32_t opcode)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (shapes[i].opcode == opcode) {
            return &shapes[i];
        }
    }
    return NULL;
}

/* A 32-bit member of the fixed part. */
static uint32_t member_at(const unsigned char *body, size_t offset)
{
    uint32_t value;

    memcpy(&value, body + offset, sizeof(value));
    return value;
}

/* What a count or size in the fixed part says must lie behind it. */
static uint64_t announced(uint32_t opcode, const unsigned char *body)
{
    switch (opcode) {
    case FUSE_WRITE:
        return member_at(body, offsetof(struct fuse_write_in, size));
    case FUSE_SETXATTR:
        return member_at(body, 0);
    case FUSE_BATCH_FORGET:
        return (uint64_t)member_at(body, 0) * sizeof(struct fuse_forget_one);
    case FUSE_IOCTL:
        return member_at(body, offsetof(struct fuse_ioctl_in, in_size));
    default:
        return 0;
    }
}

bool request_fits(const void *message, size_t length)
{
    struct fuse_in_header header;
    const unsigned char *body = (const unsigned char *)message + sizeof(header);
    const struct shape *shape;
    size_t left;

    if (length < sizeof(header)) {
        return false;
    }
    memcpy(&header, message, sizeof(header));
    left = length - sizeof(header);
    shape = shape_of(header.opcode);
    if (header.len != length || shape == NULL) {
        return header.len == length; /* what the library does not know it refuses by number */
    }
    if (left < shape->fixed) {
        return false;
    }
    left -= shape->fixed;
    for (unsigned int i = 0; i < shape->texts; i++) {
        const unsigned char *at = body + (length - sizeof(header) - left);
        const unsigned char *end = left == 0 ? NULL : memchr(at, '\0', left);

        if (end == NULL) {
            return false;
        }
        left -= (size_t)(end - at) + 1;
    }
    return announced(header.opcode, body) <= left;
}

void request_translate(void *message)
{
    struct fuse_in_header *header = message;
    char *name = (char *)message + sizeof(*header) + sizeof(struct fuse_create_in);

    if (header->opcode != FUSE_ABI_TMPFILE) {
        return;
    }
    header->opcode = FUSE_CREATE;
    /* Whatever the kernel calls it: at least the text's NUL is there. */
    if (strcmp(name, REQUEST_NAMELESS) != 0) {
        name[0] = '\0';
    }
}
