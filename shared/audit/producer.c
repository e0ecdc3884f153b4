/*
 * The producer's side: slots for threads, the gate that records, policy changes, the end.
 *
 * Each of the declared threads gets a slot of its own at its first event. One more slot serves
 * whatever threads come on top.
 */
#include "shared/audit/producer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/audit/directory.h"
#include "shared/audit/run_id.h"
#include "shared/audit/slot.h"
#include "shared/audit/slot_hold.h"
#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"

#define DURABLE_WAIT_NS 5000000000U /* how long a sync event waits for the disk */
#define DRAIN_WAIT_NS   5000000000U /* and the end for everything to be signed */

struct audit_producer {
    pthread_key_t key;
    int proc;
    unsigned int slot_count; /* the last one is shared */
    atomic_bool full;
    bool part;
    bool has_key;
    struct slot *slots;
    struct slot_holds *holds; /* of all but the shared one */
    struct slot_owner owner;
    pthread_mutex_t policy_lock;
};

/* ---- attaching ------------------------------------------------------------------------------ */

static int copy_text(char *to, size_t room, struct str_view text)
{
    if (text.length >= room || memchr(text.bytes == NULL ? "" : text.bytes, '\0', text.length)) {
        return -EINVAL;
    }
    memset(to, 0, room);
    if (text.length > 0) {
        memcpy(to, text.bytes, text.length);
    }
    return 0;
}

static int set_policy_texts(struct attach_policy *policy, struct str_view name,
                            struct str_view revision, struct str_view hash)
{
    return copy_text(policy->name, sizeof(policy->name), name) < 0 ||
                   copy_text(policy->revision, sizeof(policy->revision), revision) < 0 ||
                   copy_text(policy->hash, sizeof(policy->hash), hash) < 0
               ? -EINVAL
               : 0;
}

static int make_hello(struct attach_hello *hello, const struct audit_producer_options *options,
                      unsigned int rings, struct failure *reterr)
{
    int error;

    hello->magic = ATTACH_MAGIC;
    hello->version = ATTACH_VERSION;
    hello->kind = ATTACH_HELLO;
    hello->ring_count = rings;
    error = options->run == NULL
                ? run_id_make(hello->run)
                : copy_text(hello->run, sizeof(hello->run), str_view_from(options->run));
    if (error < 0) {
        return failure_set(reterr, error, "the run id cannot be used");
    }
    if (copy_text(hello->program, sizeof(hello->program), str_view_from(options->program)) < 0 ||
        set_policy_texts(&hello->policy[0], options->policy_name, options->policy_revision,
                         options->policy_hash) < 0) {
        return failure_set(reterr, -EINVAL, "the name of the program or policy is too long");
    }
    hello->policy[1] = hello->policy[0];
    return 0;
}

static int make_slots(struct audit_producer *producer, struct failure *reterr)
{
    const size_t slots_size = producer->slot_count * sizeof(*producer->slots);
    int error = 0;

    producer->slots = aligned_alloc(_Alignof(struct slot), slots_size);
    producer->owner.rings = calloc(producer->slot_count, sizeof(*producer->owner.rings));
    producer->holds = slot_holds_new(producer->slot_count - 1);
    if (producer->slots == NULL || producer->owner.rings == NULL || producer->holds == NULL) {
        free(producer->slots);
        producer->slots = NULL;
        return failure_set(reterr, -ENOMEM, "no memory for the audit log's rings");
    }
    memset(producer->slots, 0, slots_size);
    for (unsigned int i = 0; i < producer->slot_count; i++) {
        producer->slots[i].tie.fd = -1;
    }
    for (unsigned int i = 0; error == 0 && i < producer->slot_count; i++) {
        error = slot_init(&producer->slots[i], i, &producer->owner, reterr);
        if (error == 0 && fold_table_init(&producer->slots[i].folds) < 0) {
            error = failure_set(reterr, -EIO, "no random numbers");
        }
    }
    return error;
}

static int make(struct audit_producer *producer, const struct audit_producer_options *options,
                struct failure *reterr)
{
    struct attachment *attachment = &producer->owner.attachment;
    int fd = audit_directory_make(options->directory, attachment->directory, reterr);
    int error;

    if (fd < 0) {
        return fd;
    }
    close(fd);
    producer->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (producer->proc < 0) {
        return failure_set(reterr, -errno, "cannot open /proc: %s", strerror(errno));
    }
    atomic_init(&producer->full, options->full);
    producer->part = options->part;
    producer->slot_count = (options->threads == 0 ? 1 : options->threads) + 1;
    if (producer->slot_count > ATTACH_RINGS_MAX) {
        return failure_set(reterr, -EINVAL, "too many threads for one audit producer");
    }
    error = make_hello(&attachment->hello, options, producer->slot_count, reterr);
    if (error == 0) {
        error = make_slots(producer, reterr);
    }
    if (error < 0) {
        return error;
    }
    error = -pthread_key_create(&producer->key, slot_hold_give_back);
    if (error < 0) {
        return failure_set(reterr, error, "no thread key for the audit log");
    }
    producer->has_key = true;
    return options->later ? attachment_ask(attachment, producer->owner.rings, reterr)
                          : attachment_make(attachment, producer->owner.rings, reterr);
}

int audit_producer_attach(const struct audit_producer_options *options,
                          struct audit_producer **ret_producer, struct failure *reterr)
{
    struct audit_producer *producer = calloc(1, sizeof(*producer));
    int error;

    if (producer == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    producer->proc = producer->owner.attachment.socket = -1;
    atomic_store(&producer->owner.attachment.wake, -1);
    pthread_mutex_init(&producer->owner.renewal, NULL);
    pthread_mutex_init(&producer->policy_lock, NULL);
    error = make(producer, options, reterr);
    if (error < 0) {
        audit_producer_detach(producer);
        return error;
    }
    *ret_producer = producer;
    return 0;
}

int audit_producer_arrive(struct audit_producer *producer, struct failure *reterr)
{
    struct attachment *attachment = &producer->owner.attachment;

    return atomic_load(&attachment->state) != NULL
               ? 0
               : attachment_hear(attachment, producer->owner.rings, reterr);
}

const char *audit_producer_run(const struct audit_producer *producer)
{
    return producer->owner.attachment.hello.run;
}

const char *audit_producer_directory(const struct audit_producer *producer)
{
    return producer->owner.attachment.directory;
}

int audit_producer_alarm_fd(const struct audit_producer *producer)
{
    return producer->owner.attachment.socket;
}

/* ---- recording ------------------------------------------------------------------------------ */

/* The calling thread's own slot, or the shared one. */
static struct slot *find_slot(struct audit_producer *producer)
{
    struct slot_hold *hold = pthread_getspecific(producer->key);

    if (hold == NULL) {
        hold = slot_hold_take(producer->holds);
        if (hold != NULL && pthread_setspecific(producer->key, hold) != 0) {
            slot_hold_give_back(hold);
            hold = NULL;
        }
    }
    return &producer->slots[hold != NULL ? hold->index : producer->slot_count - 1];
}

/* What a process did before it was refused stands before the refusal, whichever thread saw it. */
static void flush_process(struct audit_producer *producer, pid_t pid)
{
    for (unsigned int i = 0; pid != 0 && i < producer->slot_count; i++) {
        struct slot *slot = &producer->slots[i];

        if (atomic_load_explicit(&slot->folds.folded, memory_order_relaxed) > 0) {
            slot_lock(slot);
            (void)fold_flush(slot, (uint32_t)pid);
            slot_unlock(slot);
        }
    }
}

static int slot_emit(struct slot *slot, enum fold_class class, struct prepared_event *prepared,
                     bool wait, uint64_t *ret_ticket)
{
    uint64_t pseq;
    int error = slot_publish(slot, prepared, &pseq);

    if (error < 0) {
        return error;
    }
    *ret_ticket = (uint64_t)slot->index << TICKET_SLOT_SHIFT | (pseq + 1);
    fold_written(slot, class, prepared, *ret_ticket);
    return wait ? slot_wait_durable(slot, DURABLE_WAIT_NS) : 0;
}

/* event_prepare() fills what is read of it: clearing a kilobyte first would be half of the cost. */
#if __has_attribute(uninitialized)
#define PREPARED_LATER __attribute__((uninitialized))
#else
#define PREPARED_LATER
#endif

static int emit_locked(struct audit_producer *producer, struct slot *slot,
                       const struct audit_event *event, bool wants_ticket, uint64_t *ret_ticket)
{
    enum fold_class class =
        fold_class_of(event, atomic_load_explicit(&producer->full, memory_order_relaxed));
    struct prepared_event prepared PREPARED_LATER;
    int error =
        event_prepare(event, monotonic_ns(), slot->sha, slot->actors, producer->proc, &prepared);

    if (error < 0 || fold_offer(slot, class, &prepared, ret_ticket)) {
        return error;
    }
    if (wants_ticket || class != FOLD_CLASS_NONE) {
        prepared.head.flags |= EVENT_FLAG_TICKET;
    }
    if (class == FOLD_CLASS_DENIAL) {
        /* One lock at a time: two threads may do this at once. */
        slot_unlock(slot);
        flush_process(producer, (pid_t)prepared.head.pid);
        slot_lock(slot);
        prepared.head.mono_ns = monotonic_ns();
    }
    return slot_emit(slot, class, &prepared, event->sync, ret_ticket);
}

int audit_emit(struct audit_producer *producer, const struct audit_event *event,
               uint64_t *ret_ticket)
{
    struct slot *slot = find_slot(producer);
    uint64_t ticket = 0;
    int error;

    slot_lock(slot);
    error = emit_locked(producer, slot, event, ret_ticket != NULL, &ticket);
    slot_unlock(slot);
    if (error == 0 && ret_ticket != NULL) {
        *ret_ticket = ticket;
    }
    return error;
}

int audit_producer_await(struct audit_producer *producer)
{
    struct slot *slot = find_slot(producer);
    int error;

    slot_lock(slot);
    error = slot_wait_durable(slot, DURABLE_WAIT_NS);
    slot_unlock(slot);
    return error;
}

int audit_producer_flush(struct audit_producer *producer)
{
    int error =
        attachment_is_dead(&producer->owner.attachment) ? slot_renew(&producer->slots[0]) : 0;

    for (unsigned int i = 0; i < producer->slot_count; i++) {
        struct slot *slot = &producer->slots[i];
        int flushed;

        slot_lock(slot);
        flushed = fold_flush(slot, 0);
        slot_unlock(slot);
        error = error < 0 ? error : flushed;
    }
    return error;
}

/* ---- policy and end ---------------------------------------------------------------------------
 */

/* In the shared slot: a reload is rare, and other threads go on with the policy they had. */
static int publish_policy(struct audit_producer *producer, const struct attach_policy *policy)
{
    struct slot *slot = &producer->slots[producer->slot_count - 1];
    char body[2 * POLICY_NAME_MAX + POLICY_HASH_MAX];
    const char *const parts[] = {policy->name, policy->revision, policy->hash};
    struct prepared_event prepared = {.head = {.count = 1,
                                               .mono_ns = monotonic_ns(),
                                               .numbers = {policy->number},
                                               .kind = AUDIT_KIND_POLICY,
                                               .source = AUDIT_SOURCE_AUDIT}};
    size_t length = 0;
    uint64_t pseq;
    int error;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        memcpy(body + length, parts[i], strlen(parts[i]) + 1);
        length += strlen(parts[i]) + 1;
    }
    prepared.text[EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("policy");
    prepared.text[EVENT_TEXT_BODY] = (struct str_view){.bytes = body, .length = length};
    slot_lock(slot);
    error = slot_publish(slot, &prepared, &pseq);
    /* Taken by the writer before any record can name it. */
    if (error == 0) {
        error = slot_wait_taken(slot, DRAIN_WAIT_NS);
    }
    slot_unlock(slot);
    return error;
}

void audit_producer_set_full(struct audit_producer *producer, bool full)
{
    atomic_store_explicit(&producer->full, full, memory_order_relaxed);
}

int audit_producer_set_policy(struct audit_producer *producer, struct str_view name,
                              struct str_view revision, struct str_view hash)
{
    struct attach_hello *hello = &producer->owner.attachment.hello;
    struct attach_policy policy = {0};
    int error = set_policy_texts(&policy, name, revision, hash);

    if (error < 0) {
        return error;
    }
    (void)audit_producer_flush(producer); /* repeats are of the policy under which they happened */
    pthread_mutex_lock(&producer->policy_lock);
    policy.number = atomic_load(&producer->owner.policy) + 1;
    error = publish_policy(producer, &policy);
    if (error == 0) {
        pthread_mutex_lock(&producer->owner.renewal);
        hello->policy[1] = hello->policy[0];
        hello->policy[0] = policy;
        pthread_mutex_unlock(&producer->owner.renewal);
        atomic_store_explicit(&producer->owner.policy, policy.number, memory_order_release);
    }
    pthread_mutex_unlock(&producer->policy_lock);
    return error;
}

/* Signed too, unless the writer cannot or somebody else's END follows. */
void audit_producer_leave(struct audit_producer *producer)
{
    if (atomic_load(&producer->owner.attachment.state) == NULL) {
        return;
    }
    (void)audit_producer_flush(producer);
    for (unsigned int i = 0; i < producer->slot_count && !producer->part; i++) {
        atomic_store(&producer->slots[i].tie.ring.head->leaving, 1);
    }
    for (unsigned int i = 0; i < producer->slot_count; i++) {
        struct slot *slot = &producer->slots[i];

        slot_lock(slot);
        (void)(producer->part ? slot_wait_taken(slot, DRAIN_WAIT_NS)
                              : slot_wait_durable(slot, DRAIN_WAIT_NS));
        slot_unlock(slot);
    }
}

/* A thread keeps its hold beyond its key; this one's goes here. */
static void holds_clear(struct audit_producer *producer)
{
    if (producer->has_key) {
        struct slot_hold *own = pthread_getspecific(producer->key);

        pthread_key_delete(producer->key);
        if (own != NULL) {
            slot_hold_give_back(own);
        }
    }
    slot_holds_leave(producer->holds);
}

void audit_producer_detach(struct audit_producer *producer)
{
    audit_producer_leave(producer);
    for (unsigned int i = 0; i < producer->slot_count && producer->slots != NULL; i++) {
        slot_clear(&producer->slots[i]);
    }
    holds_clear(producer);
    attachment_clear(&producer->owner.attachment);
    free(producer->slots);
    free(producer->owner.rings);
    close_fd(&producer->proc);
    pthread_mutex_destroy(&producer->owner.renewal);
    pthread_mutex_destroy(&producer->policy_lock);
    free(producer);
}
