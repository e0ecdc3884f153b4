/*
 * A single-producer single-consumer ring between one thread of a producer and the log writer.
 *
 * Two memory files serve a ring (SR28). The data file is the producer's: its first page holds the
 * published position, the rest the records; it is sealed against growing and shrinking, so that
 * neither side can make the other take SIGBUS. The state file is the writer's: consumed and
 * durable positions; it is sealed with F_SEAL_FUTURE_WRITE after the writer has mapped it, so
 * that a producer can only ever read it, also through /proc/self/fd.
 *
 * Positions count bytes from the beginning and never wrap; the offset in the ring is the position
 * modulo its size. A record never wraps: a pad record fills the end.
 */
#ifndef FAILCORE_AUDIT_RING_H
#define FAILCORE_AUDIT_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_BYTES      (1U << 20)
#define RING_HEAD_BYTES 4096U
#define FOLD_SLOTS      64U
#define FOLD_BYTES      1024U
#define RING_FILE_BYTES (RING_HEAD_BYTES + FOLD_SLOTS * FOLD_BYTES + RING_BYTES)

/* First page of the data file. Written by the producer; the writer only reads it. */
struct ring_head {
    _Atomic uint64_t published;
    _Atomic uint64_t unaccounted; /* events refused since the last LOSS record */
    _Atomic uint32_t waiting;     /* the producer waits for `turn` in the state */
    _Atomic uint32_t leaving;     /* it wants everything signed, and goes */
};

/*
 * Between the head and the ring: repeats that are counted but not yet published, each as the
 * record it will become. The producer publishes it; if it dies, the writer does.
 */
struct ring_fold {
    _Atomic uint32_t length; /* 0: nothing here */
    uint32_t reserved;
    _Alignas(8) uint8_t record[FOLD_BYTES - 8];
};

/*
 * A ring's part of the state file, written by the writer. What each event asks stands on a cache
 * line that is hardly ever written; the positions, which the writer moves all the time, are asked
 * only by who waits.
 */
struct ring_state {
    _Alignas(64) _Atomic uint64_t consumed; /* up to here the ring may be written over */
    _Atomic uint64_t durable;               /* up to here records are on the disk */
    _Atomic uint64_t producer;              /* its number in the records */
    _Atomic uint32_t turn;                  /* futex: changes when one of the two grew */
    _Alignas(64) _Atomic uint32_t
        over_budget; /* this producer's run has used up its share: refuse */
};

enum writer_condition {
    WRITER_FAILED = 0, /* records cannot be stored: refuse */
    WRITER_OK = 1,
};

/* The first line of the state file. */
struct writer_state {
    _Alignas(64) _Atomic uint32_t condition; /* enum writer_condition */
    _Atomic uint32_t asleep;                 /* the writer sleeps until its wake descriptor */
    _Atomic uint32_t error;                  /* why FAILED: a positive errno */
};

/* The producer's end. */
struct ring_producer {
    struct ring_head *head;
    struct ring_fold *folds;
    uint8_t *bytes;
    const struct ring_state *_Atomic state; /* another one after the writer was replaced */
    uint64_t position;                      /* next record begins here */
    uint64_t limit;                         /* consumed + RING_BYTES as last seen */
};

/* A data file of its own, sealed. Returns the descriptor. */
int ring_file_create(void);
void ring_producer_map(struct ring_producer *ring, void *mapped);
/* 0 when the descriptor is a data file with the size and seals it must have; -EPROTO else. */
int ring_file_check(int fd);

/*
 * Room for `length` bytes (a multiple of 8), or NULL when the ring is full. Nothing is visible to
 * the writer until ring_producer_publish().
 */
void *ring_producer_reserve(struct ring_producer *ring, uint32_t length);
void ring_producer_publish(struct ring_producer *ring, uint32_t length);
/* Takes the memory of the first records beforehand: the first events then wait for no page. */
void ring_producer_warm(struct ring_producer *ring);

/* The writer's end. */
struct ring_consumer {
    const struct ring_head *head; /* mapped read-only */
    const struct ring_fold *folds;
    const uint8_t *bytes;
    struct ring_state *state;
    uint64_t position;  /* consumed here, maybe not yet told to the producer */
    uint64_t published; /* as last seen: asked again only when all of it is taken */
};

void ring_consumer_map(struct ring_consumer *ring, const void *mapped);

/*
 * Copies the next record into `buffer` (EVENT_RECORD_MAX bytes). Returns its length, 0 when there
 * is none, -EBADMSG when the ring's content is not one that a producer of ours makes.
 */
int ring_consumer_next(struct ring_consumer *ring, void *buffer);

/* Copies an unpublished repeat into `buffer` (FOLD_BYTES). Its length, or 0. */
uint32_t ring_consumer_fold(const struct ring_consumer *ring, unsigned int index, void *buffer);

#endif
