/*
 * A producer that lies to the log writer through a real attachment: a ring of its own, a good
 * record, then one that no producer of ours would make.
 *
 *   audit_hostile_ring DIR     every case below, each by a producer of its own
 *
 * The writer must hang up on each within its time, and an honest producer that is attached all
 * along must not notice: after each case it records a durable event. Prints how many cases.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shared/audit/attachment.h"
#include "shared/audit/directory.h"
#include "shared/audit/event_record.h"
#include "shared/audit/producer.h"
#include "shared/audit/slot.h"
#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"

#define HANG_UP_MS 5000
#define ROOM       (2U * EVENT_RECORD_MAX)

/* One record about to be published. */
struct lie {
    struct event_head *head; /* the beginning of `bytes` */
    _Alignas(8) uint8_t bytes[ROOM];
    uint64_t published; /* how far the ring is said to be filled by it */
};

#define LIE(name, statement)                                                                       \
    static void name(struct event_head *head, uint64_t *published)                                 \
    {                                                                                              \
        (void)head;                                                                                \
        (void)published;                                                                           \
        statement;                                                                                 \
    }

/* ---- of the ring ---- */
LIE(no_length, head->length = 0)
LIE(length_below_its_own_start, head->length = 4)
LIE(odd_length, head->length += 1)
LIE(length_beyond_what_is_there, head->length += 8)
LIE(length_beyond_the_ring, head->length = RING_BYTES + 8)
LIE(length_of_all_bits, head->length = UINT32_MAX)
LIE(longer_than_a_record, *published = head->length = EVENT_RECORD_MAX + 8)
LIE(shorter_than_a_head, *published = head->length = 64)
LIE(odd_position, *published += 4)
LIE(position_beyond_the_ring, *published = (uint64_t)RING_BYTES * 2)
LIE(position_of_all_bits, *published = UINT64_MAX - 7)
LIE(position_gone_back, *published = (uint64_t)-8)
LIE(pad_in_the_middle, head->magic = EVENT_MAGIC_PAD)
/* ---- of the record ---- */
LIE(other_magic, head->magic ^= 1)
LIE(unknown_kind, head->kind = AUDIT_KIND_COUNT)
LIE(unknown_source, head->source = AUDIT_SOURCE_COUNT)
LIE(unknown_status, head->status = AUDIT_STATUS_COUNT)
LIE(unknown_decision, head->decision = AUDIT_DECISION_COUNT)
LIE(unknown_phase, head->phase = AUDIT_PHASE_COUNT)
LIE(unknown_errno, head->error = 4096)
LIE(unknown_family, head->address[0] = 5)
LIE(unknown_source_family, head->source_address[0] = 0xFF)
LIE(counts_nothing, head->count = 0)
LIE(counts_too_much, head->count = UINT32_MAX)
LIE(counts_all_bits, head->count = UINT64_MAX)
LIE(text_beyond_the_record, head->text_length[EVENT_TEXT_PATH] = UINT16_MAX)
LIE(text_that_is_not_there, head->text_length[EVENT_TEXT_BODY] += 64)
LIE(digest_of_no_length, {
    head->text_length[EVENT_TEXT_DIGEST] = head->text_length[EVENT_TEXT_PATH];
    head->text_length[EVENT_TEXT_PATH] = 0;
})
LIE(half_an_answer, {
    head->text_length[EVENT_TEXT_ANSWERS] = head->text_length[EVENT_TEXT_PATH];
    head->text_length[EVENT_TEXT_PATH] = 0;
})
/* ---- of the log ---- */
LIE(writes_a_ledger, head->kind = AUDIT_KIND_LEDGER)
LIE(writes_a_rotation, head->kind = AUDIT_KIND_ROTATE)
LIE(prunes, head->kind = AUDIT_KIND_PRUNE)
LIE(recovers, head->kind = AUDIT_KIND_RECOVERED)
LIE(steps_the_clock, head->kind = AUDIT_KIND_CLOCK_STEP)
LIE(repeats_a_pseq, head->pseq = 0)
LIE(leaves_a_pseq_out, head->pseq = 2)
LIE(pseq_of_all_bits, head->pseq = UINT64_MAX)
LIE(clock_goes_back, head->mono_ns = 1)
LIE(clock_runs_ahead, head->mono_ns += UINT64_C(3600000000000))
LIE(clock_of_all_bits, head->mono_ns = UINT64_MAX)
LIE(body_where_none_is, {
    head->text_length[EVENT_TEXT_BODY] = head->text_length[EVENT_TEXT_PATH];
    head->text_length[EVENT_TEXT_PATH] = 0;
})
LIE(body_that_is_no_json, {
    head->source = AUDIT_SOURCE_RUN;
    head->text_length[EVENT_TEXT_BODY] = head->text_length[EVENT_TEXT_PATH];
    head->text_length[EVENT_TEXT_PATH] = 0;
})
LIE(result_of_another_ring, head->of = (1ULL << TICKET_SLOT_SHIFT) | 1)
LIE(result_of_the_future, head->of = 1000)
LIE(result_of_nothing, head->of = 3ULL << TICKET_SLOT_SHIFT)
LIE(unknown_policy, head->policy = 7)
LIE(policy_without_texts, head->kind = AUDIT_KIND_POLICY)

static const struct {
    const char *name;
    void (*tell)(struct event_head *head, uint64_t *published);
} lies[] = {
#define ROW(name)                                                                                  \
    {                                                                                              \
#name, name                                                                                \
    }
    ROW(no_length),
    ROW(length_below_its_own_start),
    ROW(odd_length),
    ROW(length_beyond_what_is_there),
    ROW(length_beyond_the_ring),
    ROW(length_of_all_bits),
    ROW(longer_than_a_record),
    ROW(shorter_than_a_head),
    ROW(odd_position),
    ROW(position_beyond_the_ring),
    ROW(position_of_all_bits),
    ROW(position_gone_back),
    ROW(pad_in_the_middle),
    ROW(other_magic),
    ROW(unknown_kind),
    ROW(unknown_source),
    ROW(unknown_status),
    ROW(unknown_decision),
    ROW(unknown_phase),
    ROW(unknown_errno),
    ROW(unknown_family),
    ROW(unknown_source_family),
    ROW(counts_nothing),
    ROW(counts_too_much),
    ROW(counts_all_bits),
    ROW(text_beyond_the_record),
    ROW(text_that_is_not_there),
    ROW(digest_of_no_length),
    ROW(half_an_answer),
    ROW(writes_a_ledger),
    ROW(writes_a_rotation),
    ROW(prunes),
    ROW(recovers),
    ROW(steps_the_clock),
    ROW(repeats_a_pseq),
    ROW(leaves_a_pseq_out),
    ROW(pseq_of_all_bits),
    ROW(clock_goes_back),
    ROW(clock_runs_ahead),
    ROW(clock_of_all_bits),
    ROW(body_where_none_is),
    ROW(body_that_is_no_json),
    ROW(result_of_another_ring),
    ROW(result_of_the_future),
    ROW(result_of_nothing),
    ROW(unknown_policy),
    ROW(policy_without_texts),
#undef ROW
};

static void truth(struct lie *lie, uint64_t pseq)
{
    static const char path[] = "src/a.c";
    struct str_view text[EVENT_TEXT_COUNT] = {
        [EVENT_TEXT_OPERATION] = STR_VIEW_LITERAL("write"),
        [EVENT_TEXT_PATH] = {path, sizeof(path) - 1},
    };
    struct event_head head = {
        .length = event_record_size(text),
        .pseq = pseq,
        .count = 1,
        .mono_ns = monotonic_ns(),
        .kind = AUDIT_KIND_DECISION,
        .source = AUDIT_SOURCE_FS,
        .status = AUDIT_STATUS_ALLOWED,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
    };

    memset(lie->bytes, 0, sizeof(lie->bytes));
    lie->head = (struct event_head *)(void *)lie->bytes;
    lie->published = head.length;
    event_record_write(lie->bytes, &head, text);
}

static void publish(struct attachment_ring *tie, const struct lie *lie)
{
    struct ring_producer *ring = &tie->ring;

    memcpy(ring->bytes + ring->position, lie->bytes, sizeof(lie->bytes));
    ring->position += lie->published;
    atomic_store(&ring->head->published, ring->position);
}

static int attach(const char *directory, struct attachment *attachment, struct attachment_ring *tie,
                  struct failure *reterr)
{
    struct attachment_ring *ties[] = {tie};
    void *mapped;
    int fd = audit_directory_make(directory, attachment->directory, reterr);

    if (fd < 0) {
        return fd;
    }
    close(fd);
    tie->fd = ring_file_create();
    mapped = tie->fd < 0
                 ? MAP_FAILED
                 : mmap(NULL, RING_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, tie->fd, 0);
    if (mapped == MAP_FAILED) {
        return failure_set(reterr, -errno, "no ring");
    }
    ring_producer_map(&tie->ring, mapped);
    attachment->socket = -1;
    atomic_store(&attachment->wake, -1);
    attachment->hello = (struct attach_hello){.magic = ATTACH_MAGIC,
                                              .version = ATTACH_VERSION,
                                              .kind = ATTACH_HELLO,
                                              .ring_count = 1,
                                              .run = "hostile",
                                              .program = "hostile"};
    return attachment_make(attachment, ties, reterr);
}

/* A lie about the position would be about this record too. */
static void wait_until_taken(struct ring_producer *ring)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int ms = 0;
         ms < HANG_UP_MS && atomic_load(&atomic_load(&ring->state)->consumed) != ring->position;
         ms++) {
        nanosleep(&pause, NULL);
    }
}

/* 0 when the writer hung up on it, and on it alone. */
static int tell(const char *directory, unsigned int which, struct audit_producer *honest)
{
    static struct lie lie;
    static struct attachment attachment;
    struct attachment_ring tie = {.fd = -1};
    struct failure failure = {0};
    struct pollfd alarm = {.events = POLLIN};
    const struct audit_event event = {
        .kind = AUDIT_KIND_DECISION,
        .source = AUDIT_SOURCE_FS,
        .status = AUDIT_STATUS_ALLOWED,
        .decision = AUDIT_DECISION_ALLOWED,
        .phase = AUDIT_PHASE_POLICY,
        .call.fs = {.operation = "write", .path = STR_VIEW_LITERAL("honest")},
        .sync = true};
    int hung_up;

    memset(&attachment, 0, sizeof(attachment));
    if (attach(directory, &attachment, &tie, &failure) < 0) {
        failure_print(stderr, "audit_hostile_ring", &failure);
        return -1;
    }
    truth(&lie, 0);
    publish(&tie, &lie);
    wait_until_taken(&tie.ring);
    truth(&lie, 1);
    lies[which].tell(lie.head, &lie.published);
    publish(&tie, &lie);
    attachment_wake(&attachment);
    alarm.fd = attachment.socket;
    hung_up = poll(&alarm, 1, HANG_UP_MS);
    attachment_clear(&attachment);
    munmap(tie.ring.head, RING_FILE_BYTES);
    close_fd(&tie.fd);
    if (hung_up != 1) {
        fprintf(stderr, "audit_hostile_ring: %s: the writer took it\n", lies[which].name);
        return -1;
    }
    if (audit_emit(honest, &event, NULL) < 0) {
        fprintf(stderr, "audit_hostile_ring: %s: the honest producer suffered\n", lies[which].name);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct audit_producer_options options = {.program = "honest", .run = "honest"};
    struct audit_producer *honest;
    struct failure failure = {0};
    unsigned int count = sizeof(lies) / sizeof(lies[0]);
    int failed = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: audit_hostile_ring DIR\n");
        return 2;
    }
    options.directory = argv[1];
    if (audit_producer_attach(&options, &honest, &failure) < 0) {
        failure_print(stderr, "audit_hostile_ring", &failure);
        return 1;
    }
    for (unsigned int i = 0; i < count; i++) {
        failed += tell(argv[1], i, honest) < 0;
    }
    audit_producer_detach(honest);
    printf("%u\n", count);
    return failed == 0 ? 0 : 1;
}
