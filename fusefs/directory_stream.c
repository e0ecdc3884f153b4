#include "fusefs/directory_stream.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define BLOCK_SIZE  32768
#define TYPE_HIDDEN 255 /* no DT_ value; put in the block for names that are left out */

/* struct linux_dirent64 of getdents64(2). */
struct raw_entry {
    uint64_t inode;
    int64_t next;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct directory_stream {
    pthread_mutex_t lock;
    int fd;
    directory_hides hides;
    void *context;
    uint64_t block_count;    /* shown entries before the block */
    uint64_t block_position; /* where the block begins, as the caller counts */
    uint64_t block_end;      /* where it ends; valid once it was filled */
    uint64_t at_count;       /* entries before `at` */
    size_t at;               /* offset in the block of the next entry */
    size_t filled;
    _Alignas(struct raw_entry) char block[BLOCK_SIZE];
};

struct directory_stream *directory_stream_new(int fd, directory_hides hides, void *context)
{
    struct directory_stream *stream = malloc(sizeof(*stream));

    if (stream == NULL) {
        return NULL;
    }
    pthread_mutex_init(&stream->lock, NULL);
    stream->fd = fd;
    stream->hides = hides;
    stream->context = context;
    stream->block_count = 0;
    stream->block_position = 0;
    stream->block_end = 0;
    stream->at_count = 0;
    stream->at = 0;
    stream->filled = 0;
    return stream;
}

void directory_stream_free(struct directory_stream *stream)
{
    if (stream != NULL) {
        pthread_mutex_destroy(&stream->lock);
        free(stream->context);
        free(stream);
    }
}

void directory_stream_lock(struct directory_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
}

void directory_stream_unlock(struct directory_stream *stream)
{
    pthread_mutex_unlock(&stream->lock);
}

static struct raw_entry *entry_at(struct directory_stream *stream, size_t at)
{
    return (struct raw_entry *)(void *)(stream->block + at);
}

static struct str_view entry_name(const struct raw_entry *raw)
{
    return (struct str_view){raw->name,
                             strnlen(raw->name, raw->length - offsetof(struct raw_entry, name))};
}

/* 1 with a new block, 0 at the end. */
static int fill(struct directory_stream *stream)
{
    long length = syscall(SYS_getdents64, stream->fd, stream->block, sizeof(stream->block));

    if (length < 0) {
        return -errno;
    }
    for (size_t at = 0; at < (size_t)length;) {
        struct raw_entry *raw = entry_at(stream, at);

        if (raw->length < offsetof(struct raw_entry, name) + 2 ||
            raw->length > (size_t)length - at) {
            return -EIO;
        }
        if (stream->hides != NULL && stream->hides(stream->context, entry_name(raw))) {
            raw->type = TYPE_HIDDEN;
        }
        at += raw->length;
    }
    stream->block_count = stream->at_count;
    stream->block_position = stream->block_end;
    stream->at = 0;
    stream->filled = (size_t)length;
    return length > 0;
}

int directory_stream_next(struct directory_stream *stream, struct directory_entry *ret_entry)
{
    const struct raw_entry *raw;

    do {
        if (stream->at >= stream->filled) {
            int r = fill(stream);

            if (r <= 0) {
                return r;
            }
        }
        raw = entry_at(stream, stream->at);
        stream->at += raw->length;
    } while (raw->type == TYPE_HIDDEN);
    stream->at_count++;
    stream->block_end = stream->hides != NULL ? stream->at_count : (uint64_t)raw->next;
    *ret_entry = (struct directory_entry){
        .inode = raw->inode,
        .type = raw->type,
        .name = entry_name(raw),
        .next = stream->block_end,
    };
    return 1;
}

/* True when the position is that of an entry of the block or of its end. */
static bool seek_in_block(struct directory_stream *stream, uint64_t position)
{
    uint64_t count = stream->block_count;
    size_t at = 0;

    if (position == stream->block_position) {
        stream->at = 0;
        stream->at_count = stream->block_count;
        stream->block_end = position;
        return true;
    }
    while (at < stream->filled) {
        const struct raw_entry *raw = entry_at(stream, at);
        uint64_t next;

        at += raw->length;
        if (raw->type == TYPE_HIDDEN) {
            continue;
        }
        count++;
        next = stream->hides != NULL ? count : (uint64_t)raw->next;
        if (next == position) {
            stream->at = at;
            stream->at_count = count;
            stream->block_end = next;
            return true;
        }
    }
    return false;
}

int directory_stream_seek(struct directory_stream *stream, uint64_t position)
{
    uint64_t to = stream->hides != NULL ? 0 : position;

    if (position == stream->block_end && (position != 0 || stream->at_count == 0)) {
        return 0; /* straight on */
    }
    if (stream->filled > 0 && position != 0 && seek_in_block(stream, position)) {
        return 0;
    }
    if (lseek(stream->fd, (off_t)to, SEEK_SET) < 0) {
        return -errno;
    }
    stream->filled = 0;
    stream->at = 0;
    stream->at_count = 0;
    stream->block_end = to;
    stream->block_position = to;
    stream->block_count = 0;
    while (stream->hides != NULL && stream->at_count < position) {
        struct directory_entry entry;
        int r = directory_stream_next(stream, &entry);

        if (r <= 0) {
            return r;
        }
    }
    return 0;
}
