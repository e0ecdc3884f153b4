/*
 * The log that a person reads, and the run in it that they mean.
 *
 * Ownership: release with log_view_close(), also after a failed open.
 */
#ifndef FAILCORE_CLI_LOG_LOG_VIEW_H
#define FAILCORE_CLI_LOG_LOG_VIEW_H

#include <limits.h>

#include "shared/audit/run_index.h"

struct log_view {
    char path[PATH_MAX]; /* the audit directory or the file */
    struct log_lines *lines;
    struct run_index index;
    const struct run_entry *run; /* in the index; NULL: the log has no run */
};

/*
 * `audit`: the word of --audit (a directory or a file); NULL: this user's directory. `run`: as
 * run_index_find(), or, with a slash or the ending ".jsonl" or ".jsonl.zst", a file that takes the
 * place of `audit`. -ENOENT: there is no such run, or several.
 *
 * The stored run index is used where it holds (run_index_store.h): what is answered is the same
 * with it and without. Nothing is written.
 */
int log_view_open(struct log_view *view, const char *audit, const char *run,
                  struct failure *reterr);
/* The same, and stores the index anew when the log has outgrown it: for who ends a run, and for
 * what a person looks at. */
int log_view_open_keeping(struct log_view *view, const char *audit, const char *run,
                          struct failure *reterr);
void log_view_close(struct log_view *view);

/* Back to the first record of the run. */
int log_view_rewind(struct log_view *view, struct failure *reterr);
/* The run's next record: 1, or 0 behind its last one (as the index knows it). */
int log_view_next(struct log_view *view, struct audit_record *ret_record, struct failure *reterr);

/* The record with this seq, of whichever run. -ENOENT: the log does not hold it. */
int log_view_find(struct log_view *view, uint64_t seq, struct audit_record *ret_record,
                  struct failure *reterr);

#endif
