#include "auditd/drain.h"

#include <errno.h>
#include <time.h>

#include "shared/audit/json_members.h"
#include "shared/base/monotonic.h"

#define TICKET_SLOT_SHIFT 48
#define CLOCK_SLACK_NS    1000000000U

static int drain_ring(struct drain *drain, struct link *link, unsigned int index, uint64_t until);

static bool body_is_sound(const struct event_record *record)
{
    struct str_view body = record->text[EVENT_TEXT_BODY];

    if (record->head.source != AUDIT_SOURCE_RUN && record->head.source != AUDIT_SOURCE_AUDIT) {
        return body.length == 0;
    }
    return record->head.kind == AUDIT_KIND_POLICY || json_members_are_sound(body);
}

/* Records of the log itself are the writer's alone: a producer's PRUNE or LEDGER would make an
 * honest log look tampered with. */
static bool kind_is_a_producers(enum audit_kind kind)
{
    switch (kind) {
    case AUDIT_KIND_START:
    case AUDIT_KIND_DECISION:
    case AUDIT_KIND_RESULT:
    case AUDIT_KIND_REPEAT:
    case AUDIT_KIND_LOSS:
    case AUDIT_KIND_POLICY:
    case AUDIT_KIND_LIMIT:
    case AUDIT_KIND_BREAKER:
    case AUDIT_KIND_END:
        return true;
    case AUDIT_KIND_LEDGER:
    case AUDIT_KIND_ROTATE:
    case AUDIT_KIND_PRUNE:
    case AUDIT_KIND_RECOVERED:
    case AUDIT_KIND_CLOCK_STEP:
    case AUDIT_KIND_COUNT:
        break;
    }
    return false;
}

/* Its clock is ours (CLOCK_MONOTONIC of one machine): it neither goes back nor runs ahead. */
static bool clock_is_sound(const struct link_ring *ring, uint64_t mono_ns)
{
    return mono_ns >= ring->last_mono_ns && mono_ns <= monotonic_ns() + CLOCK_SLACK_NS;
}

/* Which record the event is the result of. Its ring is drained up to it when it has to be. */
static int resolve_of(struct drain *drain, struct link *link, const struct event_record *record,
                      struct record_context *context)
{
    uint64_t index = record->head.of >> TICKET_SLOT_SHIFT;
    uint64_t pseq = (record->head.of & ((1ULL << TICKET_SLOT_SHIFT) - 1)) - 1;

    if (record->head.of == 0) {
        return 0;
    }
    if (index >= link->ring_count) {
        return -EBADMSG;
    }
    if (pseq >= link->rings[index].next_pseq) {
        return -EBADMSG; /* drain_ring() has looked for it before */
    }
    context->of_producer = link->rings[index].producer;
    context->of_pseq = pseq;
    context->of_kind =
        ticket_table_find(drain->tickets, context->of_producer, pseq, &context->of_seq)
            ? RECORD_OF_SEQ
            : RECORD_OF_PSEQ;
    return 0;
}

static int append(struct drain *drain, struct link *link, unsigned int index,
                  const struct event_record *record)
{
    struct link_ring *ring = &link->rings[index];
    const struct attach_policy *policy;
    struct record_context context = {
        .realtime_ns = record->head.mono_ns + drain->realtime_offset_ns,
        .producer = ring->producer,
        .run = str_view_from(link->run),
    };
    int error;

    if (ring->replaying && record->head.pseq < ring->next_pseq &&
        record->head.count <= ring->next_pseq - record->head.pseq) {
        return 0; /* the writer before wrote it, and died before it could say so */
    }
    ring->replaying = false;
    if (record->head.pseq != ring->next_pseq || !kind_is_a_producers(record->head.kind) ||
        !clock_is_sound(ring, record->head.mono_ns) || !body_is_sound(record)) {
        return -EBADMSG;
    }
    if (record->head.kind == AUDIT_KIND_POLICY) {
        struct str_view body = record->text[EVENT_TEXT_BODY];
        uint32_t number = (uint32_t)record->head.numbers[0];

        error = link_policy_add(link, number, body.bytes, body.length);
        policy = link_policy_find(link, number);
    } else {
        error = resolve_of(drain, link, record, &context);
        policy = link_policy_find(link, record->head.policy);
    }
    if (error < 0 || policy == NULL) {
        return -EBADMSG;
    }
    context.policy_name = str_view_from(policy->name);
    context.policy_revision = str_view_from(policy->revision);
    context.policy_hash = str_view_from(policy->hash);
    error = log_store_append(drain->store, record, &context);
    if (error < 0) {
        return error == -E2BIG ? -EBADMSG : error;
    }
    if ((record->head.flags & EVENT_FLAG_TICKET) != 0) {
        ticket_table_put(drain->tickets, context.producer, record->head.pseq, context.seq);
    }
    drain->sync_wanted |= (record->head.flags & EVENT_FLAG_SYNC) != 0;
    ring->next_pseq += record->head.count;
    ring->last_mono_ns = record->head.mono_ns;
    return 0;
}

/* The DECISION was published before its RESULT, so it is there to be taken. */
static int drain_up_to(struct drain *drain, struct link *link, uint64_t ticket)
{
    uint64_t index = ticket >> TICKET_SLOT_SHIFT;
    uint64_t pseq = (ticket & ((1ULL << TICKET_SLOT_SHIFT) - 1)) - 1;

    if (ticket == 0 || index >= link->ring_count || link->rings[index].draining ||
        link->rings[index].next_pseq > pseq) {
        return 0;
    }
    return drain_ring(drain, link, (unsigned int)index, pseq + 1);
}

/* One record. 1: taken; 0: the ring is empty. */
static int take_one(struct drain *drain, struct link *link, unsigned int index)
{
    struct ring_consumer *ring = &link->rings[index].ring;
    uint64_t before = ring->position;
    struct event_record record;
    int length = ring_consumer_next(ring, drain->buffer);
    int error;

    if (length <= 0) {
        return length;
    }
    error = event_record_read(drain->buffer, (size_t)length, &record);
    if (error == 0 && record.head.of != 0) {
        /* Draining another ring uses the buffer: this record is read again afterwards. */
        error = drain_up_to(drain, link, record.head.of);
        ring->position = before;
        length = ring_consumer_next(ring, drain->buffer);
        if (error >= 0) {
            error =
                length <= 0 ? -EBADMSG : event_record_read(drain->buffer, (size_t)length, &record);
        }
    }
    if (error >= 0) {
        error = append(drain, link, index, &record);
    }
    if (error < 0) {
        ring->position = before;
        return error;
    }
    link->bytes += (uint64_t)length;
    return 1;
}

/* What a producer that has gone had counted or refused, and not yet published. */
static int append_left(struct drain *drain, struct link *link, unsigned int index,
                       struct event_record *record)
{
    record->head.pseq = link->rings[index].next_pseq;
    record->head.mono_ns = monotonic_ns(); /* later ones may be in the log; numbers tell when */
    record->head.flags &= (uint8_t)~EVENT_FLAG_SYNC;
    if (record->head.mono_ns < link->rings[index].last_mono_ns) {
        record->head.mono_ns = link->rings[index].last_mono_ns; /* it was counted before */
    }
    return append(drain, link, index, record);
}

static int drain_folds(struct drain *drain, struct link *link, unsigned int index)
{
    struct link_ring *ring = &link->rings[index];

    for (unsigned int i = 0; i < FOLD_SLOTS; i++) {
        uint32_t length =
            ring->folds_taken > i ? 0 : ring_consumer_fold(&ring->ring, i, drain->buffer);
        struct event_record record;
        int error = 0;

        if (length > 0 && event_record_read(drain->buffer, length, &record) == 0 &&
            record.head.kind == AUDIT_KIND_REPEAT && record.head.pseq >= ring->next_pseq) {
            error = append_left(drain, link, index, &record);
        }
        if (error == -EAGAIN || error == -EIO) {
            return error;
        }
        if (ring->folds_taken <= i) {
            ring->folds_taken = i + 1;
        }
    }
    return 0;
}

static int drain_loss(struct drain *drain, struct link *link, unsigned int index)
{
    struct link_ring *ring = &link->rings[index];
    uint64_t refused = atomic_load(&ring->ring.head->unaccounted);
    struct event_record record = {.head = {.count = refused,
                                           .mono_ns = monotonic_ns(),
                                           .policy = link->policies[0].number,
                                           .kind = AUDIT_KIND_LOSS,
                                           .source = AUDIT_SOURCE_AUDIT}};
    int error;

    if (refused == 0 || refused > UINT32_MAX || ring->loss_taken) {
        return 0;
    }
    record.text[EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("loss");
    error = append_left(drain, link, index, &record);
    ring->loss_taken = error == 0;
    return error;
}

int drain_leftovers(struct drain *drain, struct link *link)
{
    for (unsigned int i = 0; i < link->ring_count; i++) {
        int error = drain_folds(drain, link, i);

        if (error == 0) {
            error = drain_loss(drain, link, i);
        }
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

/* Until the ring is empty, or its next pseq is `until`, or its turn is over. */
static int drain_ring(struct drain *drain, struct link *link, unsigned int index, uint64_t until)
{
    struct link_ring *ring = &link->rings[index];
    int taken = 0;
    int got = 1;

    ring->draining = true;
    while (got == 1 && ring->next_pseq < until &&
           (until != UINT64_MAX || (unsigned int)taken < DRAIN_RING_MAX)) {
        got = take_one(drain, link, index);
        taken += got == 1;
    }
    ring->draining = false;
    return got < 0 ? got : taken;
}

int drain_link(struct drain *drain, struct link *link)
{
    int total = 0;

    for (unsigned int i = 0; i < link->ring_count; i++) {
        int taken = drain_ring(drain, link, link->next_ring, UINT64_MAX);

        if (taken < 0) {
            return taken;
        }
        link->next_ring = (link->next_ring + 1) % link->ring_count;
        total += taken;
    }
    return total;
}

int drain_own_record(struct drain *drain, enum audit_kind kind, const char *operation,
                     struct str_view members)
{
    struct event_record record = {.head = {.count = 1,
                                           .mono_ns = monotonic_ns(),
                                           .pseq = drain->next_pseq,
                                           .kind = (uint8_t)kind,
                                           .source = AUDIT_SOURCE_AUDIT}};
    struct record_context context = {.producer = drain->producer};
    int error;

    record.text[EVENT_TEXT_OPERATION] = str_view_from(operation);
    record.text[EVENT_TEXT_BODY] = members;
    context.realtime_ns = record.head.mono_ns + drain->realtime_offset_ns;
    error = log_store_append(drain->store, &record, &context);
    if (error == 0) {
        drain->next_pseq++;
    }
    return error;
}

int drain_loss_of(struct drain *drain, uint64_t producer, uint64_t pseq, uint64_t count,
                  struct str_view run)
{
    struct event_record record = {.head = {.count = count,
                                           .mono_ns = monotonic_ns(),
                                           .pseq = pseq,
                                           .kind = AUDIT_KIND_LOSS,
                                           .source = AUDIT_SOURCE_AUDIT}};
    struct record_context context = {.producer = producer, .run = run};

    record.text[EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("unwritten");
    context.realtime_ns = record.head.mono_ns + drain->realtime_offset_ns;
    return log_store_append(drain->store, &record, &context);
}
