/*
 * The run index, kept beside the log as DIR/runs so that a long log need not be read from its
 * beginning to say which runs it holds.
 *
 * It is a cache and never evidence: it is believed only when it carries the code of a key that lies
 * outside the audit directory (run_index_key.h), when the log still begins where it began, and when
 * the record that it was made up to is there with the same entry_hash. Else it is as if it were not
 * there. So who cannot sign the log cannot change an answer by it, and what was written since is
 * read from the log. That records below it were not altered is for `audit verify` to say, with it
 * or without.
 *
 * Ownership: as run_index.h. Errors: none; what cannot be loaded is read from the log, and what
 * cannot be stored is made again next time.
 */
#ifndef FAILCORE_AUDIT_RUN_INDEX_STORE_H
#define FAILCORE_AUDIT_RUN_INDEX_STORE_H

#include "shared/audit/run_index.h"

/*
 * The index of the audit directory: what is stored, and what the log has beyond it. `lines` are
 * that directory's and stand at their beginning. *ret_stored: how many records the stored part
 * speaks for, 0 when there is none that holds. Returns as run_index_read().
 */
int run_index_load(struct run_index *index, const char *directory, struct log_lines *lines,
                   uint64_t *ret_stored, struct failure *reterr);

/* Stores it for the next load; `lines` are moved. True when it is there now. */
bool run_index_store(const struct run_index *index, const char *directory, struct log_lines *lines);

#endif
