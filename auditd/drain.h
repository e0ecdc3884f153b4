/*
 * From a ring into the chain: each record is copied, checked, given its place and written.
 *
 * Order: exact within a ring. A RESULT comes after its DECISION also when that lies in another
 * ring of the same producer, whose records up to it are then taken first.
 */
#ifndef FAILCORE_AUDITD_DRAIN_H
#define FAILCORE_AUDITD_DRAIN_H

#include <stdbool.h>

#include "auditd/link.h"
#include "auditd/log_store.h"
#include "auditd/ticket_table.h"

#define DRAIN_RING_MAX 256U /* records of one ring in one round: others get their turn */

struct drain {
    struct log_store *store;
    struct ticket_table *tickets;
    uint64_t realtime_offset_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
    bool sync_wanted;            /* a producer waits for the disk */
    uint64_t producer;           /* the writer's own number, pseq and policy-less records */
    uint64_t next_pseq;
    uint8_t buffer[EVENT_RECORD_MAX];
};

/*
 * Takes what the link's rings hold, at most DRAIN_RING_MAX of each. Returns the number of records;
 * -EBADMSG: the producer is broken or hostile; -EAGAIN: the store must write first (some may have
 * been taken); -EIO.
 */
int drain_link(struct drain *drain, struct link *link);

/*
 * After its producer has gone and its rings are empty: what it had folded, and what it had refused,
 * each as a record in its name. Errors as drain_link(); may be called again after -EAGAIN.
 */
int drain_leftovers(struct drain *drain, struct link *link);

/* Events of a producer that are in no file and never will be: `count` from `pseq` on. */
int drain_loss_of(struct drain *drain, uint64_t producer, uint64_t pseq, uint64_t count,
                  struct str_view run);

/* A record of the writer's own. `members`: sound JSON, may be empty. */
int drain_own_record(struct drain *drain, enum audit_kind kind, const char *operation,
                     struct str_view members);

#endif
