/*
 * Publishing is a copy into the ring and one release store. The writer polls; it is woken only
 * when it sleeps, when something is to be durable, or when a ring fills up.
 *
 * A dead writer does not stop publishing: the ring keeps what is published until a new writer
 * takes it from there. Its life is looked at every CHECK_NS and whenever we wait.
 */
#include "shared/audit/slot.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"

#define FULL_WAIT_NS 2000000000U /* how long an event waits for room: a slow disk is no failure */
#define TURN_WAIT_NS 20000000U   /* one sleep; then the writer's life is looked at again */
#define CHECK_NS     50000000U

int slot_init(struct slot *slot, unsigned int index, struct slot_owner *owner,
              struct failure *reterr)
{
    void *mapped;

    slot->owner = owner;
    slot->index = index;
    owner->rings[index] = &slot->tie;
    slot->tie.fd = ring_file_create();
    if (slot->tie.fd < 0) {
        return failure_set(reterr, slot->tie.fd, "cannot make a ring for the audit log: %s",
                           strerror(-slot->tie.fd));
    }
    mapped = mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, slot->tie.fd, 0);
    if (mapped == MAP_FAILED) {
        return failure_set(reterr, -errno, "cannot map a ring of the audit log: %s",
                           strerror(errno));
    }
    ring_producer_map(&slot->tie.ring, mapped);
    slot->tie.ring.limit = RING_BYTES;
    ring_producer_warm(&slot->tie.ring);
    /* A copy of the ring in a child would make two producers of one ring. */
    if (madvise(mapped, RING_FILE_BYTES, MADV_DONTFORK) < 0) {
        return failure_set(reterr, -errno, "cannot keep a ring from children: %s", strerror(errno));
    }
    slot->sha = sha256_new();
    slot->actors = calloc(1, sizeof(*slot->actors));
    if (slot->sha == NULL || slot->actors == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory for the audit log's rings");
    }
    return 0;
}

void slot_clear(struct slot *slot)
{
    if (slot->tie.ring.head != NULL) {
        munmap(slot->tie.ring.head, RING_FILE_BYTES);
    }
    sha256_free(slot->sha);
    free(slot->actors);
    close_fd(&slot->tie.fd);
}

void slot_lock(struct slot *slot)
{
    while (atomic_exchange_explicit(&slot->locked, true, memory_order_acquire)) {
        sched_yield(); /* somebody flushes it, or many threads share it */
    }
}

void slot_unlock(struct slot *slot)
{
    atomic_store_explicit(&slot->locked, false, memory_order_release);
}

int slot_renew(struct slot *slot)
{
    struct slot_owner *owner = slot->owner;
    int error;

    pthread_mutex_lock(&owner->renewal);
    error = attachment_renew(&owner->attachment, owner->rings);
    pthread_mutex_unlock(&owner->renewal);
    return error;
}

enum awaited { AWAIT_CONSUMED, AWAIT_DURABLE };

static uint64_t awaited_position(const struct ring_state *state, enum awaited awaited)
{
    return awaited == AWAIT_DURABLE ? atomic_load(&state->durable) : atomic_load(&state->consumed);
}

int slot_refusal(const struct slot *slot)
{
    const struct writer_state *state = atomic_load(&slot->owner->attachment.state);

    if (atomic_load_explicit(&state->condition, memory_order_relaxed) != WRITER_OK) {
        return atomic_load(&state->error) == ENOSPC ? -ENOSPC : -EIO;
    }
    if (atomic_load_explicit(&atomic_load(&slot->tie.ring.state)->over_budget,
                             memory_order_relaxed) != 0) {
        return -ENOSPC;
    }
    return 0;
}

/* Waits until the position reaches `wanted`. 0, -ETIMEDOUT, or why the writer refuses. */
static int slot_wait(struct slot *slot, enum awaited awaited, uint64_t wanted, uint64_t wait_ns)
{
    struct ring_head *head = slot->tie.ring.head;
    uint64_t until = monotonic_ns() + wait_ns;
    int error = 0;

    atomic_store(&head->waiting, 1);
    for (;;) {
        const struct timespec turn_wait = {.tv_nsec = TURN_WAIT_NS};
        const struct ring_state *state = atomic_load(&slot->tie.ring.state);
        uint32_t turn = atomic_load(&state->turn);

        if (awaited_position(state, awaited) >= wanted) {
            break;
        }
        error = slot_refusal(slot);
        if (error < 0) {
            break;
        }
        if (monotonic_ns() >= until) {
            error = -ETIMEDOUT;
            break;
        }
        (void)slot_renew(slot); /* none to be had now: the time decides */
        attachment_wake(&slot->owner->attachment);
        syscall(SYS_futex, &state->turn, FUTEX_WAIT, turn, &turn_wait, NULL, 0);
    }
    atomic_store(&head->waiting, 0);
    return error;
}

int slot_wait_durable(struct slot *slot, uint64_t wait_ns)
{
    return slot_wait(slot, AWAIT_DURABLE, slot->tie.ring.position, wait_ns);
}

int slot_wait_taken(struct slot *slot, uint64_t wait_ns)
{
    return slot_wait(slot, AWAIT_CONSUMED, slot->tie.ring.position, wait_ns);
}

static void *slot_reserve(struct slot *slot, uint32_t size, int *ret_error)
{
    void *at = ring_producer_reserve(&slot->tie.ring, size);
    uint64_t until;

    if (at != NULL) {
        return at;
    }
    until = monotonic_ns() + FULL_WAIT_NS;
    while (at == NULL) {
        uint64_t now = monotonic_ns();
        uint64_t consumed = atomic_load(&atomic_load(&slot->tie.ring.state)->consumed);

        *ret_error =
            now >= until ? -ETIMEDOUT : slot_wait(slot, AWAIT_CONSUMED, consumed + 1, until - now);
        if (*ret_error < 0) {
            return NULL;
        }
        at = ring_producer_reserve(&slot->tie.ring, size);
    }
    return at;
}

static void slot_look_after_writer(struct slot *slot, bool soon)
{
    const struct writer_state *state = atomic_load(&slot->owner->attachment.state);

    if (slot->last_mono_ns - slot->looked_at_ns >= CHECK_NS) {
        slot->looked_at_ns = slot->last_mono_ns;
        if (attachment_is_dead(&slot->owner->attachment)) {
            (void)slot_renew(slot);
        }
    }
    /* What is to be on the disk soon does not wait for the writer's next look either. */
    if (soon || atomic_load_explicit(&state->asleep, memory_order_relaxed) != 0) {
        attachment_wake(&slot->owner->attachment);
    }
}

/* Copies a prepared record into the ring. */
static int publish(struct slot *slot, struct prepared_event *prepared, uint64_t *ret_pseq)
{
    uint32_t size = event_record_size(prepared->text);
    int error = size == 0 ? -E2BIG : slot_refusal(slot);
    void *at = error < 0 ? NULL : slot_reserve(slot, size, &error);

    if (at == NULL) {
        return error;
    }
    prepared->head.length = size;
    prepared->head.pseq = slot->next_pseq;
    prepared->head.policy = atomic_load_explicit(&slot->owner->policy, memory_order_acquire);
    if (prepared->head.mono_ns < slot->last_mono_ns) {
        prepared->head.mono_ns = slot->last_mono_ns; /* it waited for the slot's lock */
    }
    slot->last_mono_ns = prepared->head.mono_ns;
    event_record_write(at, &prepared->head, prepared->text);
    *ret_pseq = slot->next_pseq;
    slot->next_pseq += prepared->head.count;
    ring_producer_publish(&slot->tie.ring, size);
    slot_look_after_writer(slot, (prepared->head.flags & EVENT_FLAG_SYNC) != 0);
    return 0;
}

/* Events that could not be recorded have their own pseq and one record that says how many. */
static int account_for_loss(struct slot *slot, uint64_t mono_ns)
{
    struct ring_head *head = slot->tie.ring.head;
    uint64_t unaccounted = atomic_load_explicit(&head->unaccounted, memory_order_relaxed);
    struct prepared_event loss;
    uint64_t pseq;
    int error;

    if (unaccounted == 0) {
        return 0;
    }
    loss = (struct prepared_event){.head = {.count = unaccounted,
                                            .mono_ns = mono_ns,
                                            .kind = AUDIT_KIND_LOSS,
                                            .source = AUDIT_SOURCE_AUDIT}};
    loss.text[EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("loss");
    error = publish(slot, &loss, &pseq);
    if (error == 0) {
        atomic_store(&head->unaccounted, 0);
    }
    return error;
}

int slot_publish(struct slot *slot, struct prepared_event *prepared, uint64_t *ret_pseq)
{
    int error = account_for_loss(slot, prepared->head.mono_ns);

    if (error == 0) {
        error = publish(slot, prepared, ret_pseq);
    }
    if (error < 0) {
        atomic_fetch_add(&slot->tie.ring.head->unaccounted, 1);
    }
    return error;
}

int slot_publish_fold(struct slot *slot, unsigned int index)
{
    struct ring_fold *fold = &slot->tie.ring.folds[index];
    uint32_t length = atomic_load(&fold->length);
    struct event_head head;
    int error = account_for_loss(slot, slot->last_mono_ns);
    void *at;

    if (error < 0 || length == 0) {
        return error;
    }
    error = slot_refusal(slot);
    at = error < 0 ? NULL : slot_reserve(slot, length, &error);
    if (at == NULL) {
        return error; /* it stays counted in its fold */
    }
    /* Its pseq is noted in the fold too: whoever finds it after our death knows whether the ring
     * has it already. */
    memcpy(&head, fold->record, sizeof(head));
    head.pseq = slot->next_pseq;
    if (head.mono_ns < slot->last_mono_ns) {
        head.mono_ns = slot->last_mono_ns; /* when it happened is in the record's span */
    }
    slot->last_mono_ns = head.mono_ns;
    memcpy(fold->record, &head, sizeof(head));
    memcpy(at, fold->record, length);
    slot->next_pseq += head.count;
    ring_producer_publish(&slot->tie.ring, length);
    atomic_store(&fold->length, 0);
    return 0;
}
