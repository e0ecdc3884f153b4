/*
 * What a run changed outside itself: files created, modified, deleted and renamed, bytes to and
 * from each host, programs started. Counted from RESULT records that say OK: from what was done,
 * not from what was attempted.
 *
 * Ownership: release with ledger_clear().
 */
#ifndef FAILCORE_CLI_LOG_LEDGER_H
#define FAILCORE_CLI_LOG_LEDGER_H

#include "cli/log/tally.h"
#include "shared/audit/record_reader.h"

/* Numbers of the rows of `files`. */
enum ledger_effect {
    EFFECT_CREATED = 0,
    EFFECT_MODIFIED,
    EFFECT_DELETED,
    EFFECT_RENAMED_AWAY,
    EFFECT_RENAMED_HERE,
    EFFECT_LINKED,
    EFFECT_METADATA,
    EFFECT_BYTES_WRITTEN,
    EFFECT_COUNT
};

/* What a path's effects come to, from before the run to after it. */
enum ledger_fate {
    FATE_CHANGED = 0, /* was there and is: written, or its metadata changed */
    FATE_CREATED,     /* was not there, or not known to be; is there */
    FATE_DELETED,     /* was there and is gone, deleted or renamed away */
    FATE_TEMPORARY,   /* came and went */
    FATE_COUNT
};

/* Numbers of the rows of `hosts`. */
enum ledger_host { HOST_FLOWS = 0, HOST_BYTES_IN, HOST_BYTES_OUT, HOST_COUNT };

struct ledger {
    struct tally files;    /* by path */
    struct tally hosts;    /* by name, else address */
    struct tally programs; /* by path; number 0: how often it was started */
    uint64_t created;      /* events, not files */
    uint64_t modified;
    uint64_t deleted;
    uint64_t renamed;
    uint64_t bytes_written;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t started;
    uint64_t pending; /* allowed changes whose result the log does not have */
};

int ledger_add(struct ledger *ledger, const struct audit_record *record);
void ledger_clear(struct ledger *ledger);

enum ledger_fate ledger_fate_of(const struct tally_row *file);
const char *ledger_fate_word(enum ledger_fate fate);
/* Files of each fate. */
void ledger_fates(const struct ledger *ledger, uint64_t ret_counts[static FATE_COUNT]);

/* "created", "modified", …; what the path's own events come to, "created and deleted". */
void append_effects(struct text_buffer *text, const struct tally_row *file);

#endif
