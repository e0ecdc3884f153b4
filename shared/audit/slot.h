/*
 * One thread's way into the log: a ring, the next pseq, a cache of actors, and what is folded.
 *
 * A slot is one producer of the log: it has its own number there and its own contiguous pseq.
 * Threads: a slot belongs to its thread; its lock, nearly always free, lets others flush it.
 */
#ifndef FAILCORE_AUDIT_SLOT_H
#define FAILCORE_AUDIT_SLOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "shared/audit/attachment.h"
#include "shared/audit/event_prepare.h"
#include "shared/audit/fold.h"

#define TICKET_SLOT_SHIFT 48 /* a ticket is slot number and pseq + 1 */

/* What every event touches comes first. */
struct slot {
    _Alignas(64) atomic_bool locked;
    unsigned int index;
    struct slot_owner *owner;
    struct attachment_ring tie;
    uint64_t next_pseq;
    uint64_t last_mono_ns; /* of what was published; it never decreases within a producer */
    uint64_t looked_at_ns; /* when the writer's life was looked at */
    struct actor_cache *actors;
    struct sha256 *sha;
    struct fold_table folds;
};

/* What all slots of a producer share. */
struct slot_owner {
    _Atomic uint32_t policy;
    struct attachment attachment;
    struct attachment_ring **rings; /* one per slot */
    pthread_mutex_t renewal;
};

int slot_init(struct slot *slot, unsigned int index, struct slot_owner *owner,
              struct failure *reterr);
void slot_clear(struct slot *slot);

void slot_lock(struct slot *slot);
void slot_unlock(struct slot *slot);

/* 0, or why nothing can be recorded now: -EIO, -ENOSPC. */
int slot_refusal(const struct slot *slot);

/* The rest wants the lock. -------------------------------------------------------------------- */

/*
 * Publishes the record, after a LOSS record for what was refused before. *ret_pseq is its pseq.
 * -EIO, -ENOSPC, -ETIMEDOUT: not recorded, and counted as refused.
 */
int slot_publish(struct slot *slot, struct prepared_event *prepared, uint64_t *ret_pseq);
/* Publishes a repeat that was counted in fold `index`, and empties it. */
int slot_publish_fold(struct slot *slot, unsigned int index);
/* Until everything published is durable. */
int slot_wait_durable(struct slot *slot, uint64_t wait_ns);
/* Until the writer has taken everything published. */
int slot_wait_taken(struct slot *slot, uint64_t wait_ns);
/* Finds a new writer if the old one has gone. */
int slot_renew(struct slot *slot);

#endif
