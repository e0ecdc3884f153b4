#include "shared/audit/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/audit/event_record.h"
#include "shared/base/cleanup.h"

#define CACHE_LINE     64U
#define PREFETCH_AHEAD 1024U       /* some three records */
#define WARM_BYTES     (16U << 10) /* some 40 records; more only delays the start */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define DATA_SEALS (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

int ring_file_create(void)
{
    AUTO_CLOSE int fd = memfd_create("failcore-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, RING_FILE_BYTES) < 0 || fcntl(fd, F_ADD_SEALS, DATA_SEALS) < 0) {
        return -errno;
    }
    return take_fd(&fd);
}

int ring_file_check(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat status;

    if (seals != DATA_SEALS || fstat(fd, &status) < 0 || status.st_size != RING_FILE_BYTES) {
        return -EPROTO;
    }
    return 0;
}

void ring_producer_map(struct ring_producer *ring, void *mapped)
{
    uint8_t *folds = (uint8_t *)mapped + RING_HEAD_BYTES;

    ring->head = mapped;
    ring->folds = (struct ring_fold *)(void *)folds;
    ring->bytes = folds + FOLD_SLOTS * FOLD_BYTES;
}

void ring_consumer_map(struct ring_consumer *ring, const void *mapped)
{
    const uint8_t *folds = (const uint8_t *)mapped + RING_HEAD_BYTES;

    ring->head = mapped;
    ring->folds = (const struct ring_fold *)(const void *)folds;
    ring->bytes = folds + FOLD_SLOTS * FOLD_BYTES;
}

_Static_assert(sizeof(struct ring_fold) == FOLD_BYTES, "a fold is one cell");

static void write_pad(uint8_t *at, uint32_t length)
{
    const uint32_t pad[2] = {length, EVENT_MAGIC_PAD};

    memcpy(at, pad, sizeof(pad));
}

void *ring_producer_reserve(struct ring_producer *ring, uint32_t length)
{
    uint32_t offset = (uint32_t)(ring->position & (RING_BYTES - 1));
    uint32_t to_end = RING_BYTES - offset;
    uint32_t pad = length > to_end ? to_end : 0;
    uint64_t wanted = ring->position + pad + length;

    if (wanted > ring->limit) {
        ring->limit =
            atomic_load_explicit(&atomic_load(&ring->state)->consumed, memory_order_acquire) +
            RING_BYTES;
        if (wanted > ring->limit) {
            return NULL;
        }
    }
    if (pad > 0) {
        write_pad(ring->bytes + offset, pad);
        ring->position += pad;
        offset = 0;
    }
    return ring->bytes + offset;
}

void ring_producer_publish(struct ring_producer *ring, uint32_t length)
{
    ring->position += length;
    atomic_store_explicit(&ring->head->published, ring->position, memory_order_release);
    /* Lines further on lie in the writer's cache, which read them a lap ago: asked for now, they
     * are here when they are written, some records later. */
    for (uint64_t ahead = 0; ahead < length; ahead += CACHE_LINE) {
        uint64_t position = ring->position + PREFETCH_AHEAD + ahead;

        __builtin_prefetch(ring->bytes + (position & (RING_BYTES - 1)), 1);
    }
}

void ring_producer_warm(struct ring_producer *ring)
{
    /* Where the kernel cannot do it, the pages come with the first events. */
    (void)madvise(ring->head, RING_HEAD_BYTES, MADV_POPULATE_WRITE);
    (void)madvise(ring->bytes, WARM_BYTES, MADV_POPULATE_WRITE);
}

int ring_consumer_next(struct ring_consumer *ring, void *buffer)
{
    for (;;) {
        uint32_t offset = (uint32_t)(ring->position & (RING_BYTES - 1));
        uint64_t ready = ring->published - ring->position;
        uint32_t start[2]; /* length and magic, read once: the producer may still change them */

        if (ready == 0 || ready > RING_BYTES) {
            ring->published = atomic_load_explicit(&ring->head->published, memory_order_acquire);
            ready = ring->published - ring->position;
        }
        if (ready == 0) {
            return 0;
        }
        if (ready > RING_BYTES || ring->published % EVENT_ALIGNMENT != 0) {
            return -EBADMSG;
        }
        memcpy(start, ring->bytes + offset, sizeof(start));
        if (start[0] < sizeof(start) || start[0] % EVENT_ALIGNMENT != 0 || start[0] > ready ||
            start[0] > RING_BYTES - offset) {
            return -EBADMSG;
        }
        if (start[1] == EVENT_MAGIC_PAD) {
            if (start[0] != RING_BYTES - offset) {
                return -EBADMSG;
            }
            ring->position += start[0];
            continue;
        }
        if (start[0] > EVENT_RECORD_MAX) {
            return -EBADMSG;
        }
        memcpy(buffer, ring->bytes + offset, start[0]);
        ring->position += start[0];
        return (int)start[0];
    }
}

uint32_t ring_consumer_fold(const struct ring_consumer *ring, unsigned int index, void *buffer)
{
    const struct ring_fold *fold = &ring->folds[index];
    uint32_t length = atomic_load_explicit(&fold->length, memory_order_acquire);

    if (length == 0 || length > sizeof(fold->record)) {
        return 0;
    }
    memcpy(buffer, fold->record, length);
    return length;
}
