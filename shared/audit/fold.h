/*
 * Counting repeats instead of writing each (notes: docs/audit-format.md, "Folding").
 *
 * Allowed looks (read, list, lookup, getattr, access, readlink) of one path by one process under
 * one rule: the first in a second is written, the others of that second are counted. Denials of one
 * process, rule and target: the first two in a second are written. Of one process and rule: the
 * first FOLD_DENIALS_PER_MINUTE in a minute are written, whatever their targets.
 *
 * What is counted lies in the ring's file, as the REPEAT record it will become: it outlives the
 * process. It is published when the second is over and something else happens, before a denial
 * of the same process, at a policy's change, and at the end.
 *
 * At its cap (FOLD_SLOTS at once) a fold is published to make room: nothing is lost.
 */
#ifndef FAILCORE_AUDIT_FOLD_H
#define FAILCORE_AUDIT_FOLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/event_prepare.h"
#include "shared/audit/ring.h"

#define FOLD_DENIALS_PER_MINUTE 100U
#define FOLD_DENIALS_PER_SECOND 2U

enum fold_class { FOLD_CLASS_NONE = 0, FOLD_CLASS_LOOK, FOLD_CLASS_DENIAL };

struct fold_entry {
    uint64_t key;    /* 0: empty */
    uint64_t window; /* the second it belongs to; for a process and rule alone the minute */
    uint64_t of;     /* ticket of the last record of this key that was written in full */
    uint32_t pid;
    uint32_t written; /* in full, in this window */
    bool has_fold;
};

struct fold_table {
    uint64_t seed;
    uint64_t second;         /* of the last event */
    _Atomic uint32_t folded; /* entries that have a fold */
    struct fold_entry entry[FOLD_SLOTS];
};

struct slot;

int fold_table_init(struct fold_table *table);

/* What kind of repeat the event could be. */
enum fold_class fold_class_of(const struct audit_event *event, bool full);

/*
 * Counts the event when it is a repeat: true, and *ret_ticket is that of the one written in full.
 * False: write it, then tell fold_written(). Publishes folds that stand in its way or are over.
 */
bool fold_offer(struct slot *slot, enum fold_class class, const struct prepared_event *prepared,
                uint64_t *ret_ticket);
void fold_written(struct slot *slot, enum fold_class class, const struct prepared_event *prepared,
                  uint64_t ticket);

/* Publishes what is folded: of one process, or of all (pid 0). The first error, if any. */
int fold_flush(struct slot *slot, uint32_t pid);

#endif
