/*
 * Reading a log before it is continued: what the last checkpoint does not cover must be there and
 * hold, but for a torn end, which the caller takes care of. Anything else that is wrong is
 * tampering: the log is not continued.
 */
#ifndef FAILCORE_AUDITD_LOG_RECOVERY_H
#define FAILCORE_AUDITD_LOG_RECOVERY_H

#include "auditd/torn_end.h"
#include "auditd/tree_store.h"
#include "shared/audit/segment.h"
#include "shared/audit/segment_file.h"
#include "shared/base/failure.h"

/* Called for each record that is read. */
typedef void log_line_handler(void *context, const struct segment_line *line);

struct log_recovery {
    /* in */
    int directory, log;
    struct tree_store *tree;
    struct sha256 *sha;
    log_line_handler *on_line;
    void *context;
    /* out */
    struct segment_chain chain;
    struct segment_entry open_segment; /* to be continued; made when it is not there */
    uint64_t segment_bytes;
    struct torn_end torn; /* the caller's, also when recovery fails */
};

int log_recovery_run(struct log_recovery *recovery, const struct segment_list *list,
                     struct failure *reterr);

#endif
