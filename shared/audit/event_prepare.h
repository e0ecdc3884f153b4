/*
 * From an audit_event, as callers write it, to the head and texts of a record.
 *
 * Nothing is copied: the texts point into the event and into the prepared record itself.
 */
#ifndef FAILCORE_AUDIT_EVENT_PREPARE_H
#define FAILCORE_AUDIT_EVENT_PREPARE_H

#include "shared/audit/actor_cache.h"
#include "shared/audit/event_record.h"
#include "shared/audit/producer.h"
#include "shared/crypto/sha256.h"

struct prepared_event {
    struct event_head head;
    struct str_view text[EVENT_TEXT_COUNT];
    uint8_t path_digest[SHA256_SIZE];
    uint8_t path2_digest[SHA256_SIZE];
    uint8_t digest[SHA256_SIZE];
    uint8_t answers[AUDIT_ANSWERS_MAX * EVENT_ADDRESS_SIZE];
};

/* `proc`: a descriptor of /proc. -E2BIG, -EINVAL: the event cannot be recorded. */
int event_prepare(const struct audit_event *event, uint64_t now_ns, struct sha256 *sha,
                  struct actor_cache *actors, int proc, struct prepared_event *prepared);

#endif
