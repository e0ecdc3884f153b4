/*
 * What a run changed outside itself: files created, modified, deleted and renamed, bytes to and
 * from each host, programs started. Counted from RESULT records that say OK: from what was done,
 * not from what was attempted. What the run's command starts itself has no result: a program
 * counts as started when it was let through to the kernel, which may still find that it is not
 * there (outside the system's directories) or no program.
 *
 * Ownership: release with ledger_clear().
 */
#ifndef FAILCORE_CLI_LOG_LEDGER_H
#define FAILCORE_CLI_LOG_LEDGER_H

#include "cli/log/file_history.h"
#include "cli/log/tally.h"
#include "shared/audit/record_reader.h"

/* Numbers of the rows of `hosts`. */
enum ledger_host { HOST_FLOWS = 0, HOST_BYTES_IN, HOST_BYTES_OUT, HOST_COUNT };

struct ledger {
    struct file_history history; /* of files */
    struct tally hosts;          /* by name, else address */
    struct tally programs;       /* by path; number 0: how often it was started */
    uint64_t created;            /* events, not files */
    uint64_t modified;
    uint64_t deleted;
    uint64_t renamed;
    uint64_t bytes_written;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t started;
    uint64_t pending;          /* allowed changes whose result the log does not have */
    struct tally open_changes; /* by thread; number 0: hash of the change it has begun, or 0 */
};

int ledger_add(struct ledger *ledger, const struct audit_record *record);
/* After the last ledger_add(); sorts by name. */
int ledger_settle(struct ledger *ledger);
void ledger_clear(struct ledger *ledger);

#endif
