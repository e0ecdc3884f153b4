/*
 * The files of one log: the chain's head, the open segment, the tree, and what is not yet written.
 *
 * Lines are collected in memory and written in pieces; a failed write leaves no torn line behind
 * and keeps everything collected for the next try.
 *
 * Ownership: log_store_open() gives the caller a store. Threads: one at a time (closed segments are
 * compressed by a thread of their own).
 * Errors: negative errno; opening explains itself.
 */
#ifndef FAILCORE_AUDITD_LOG_STORE_H
#define FAILCORE_AUDITD_LOG_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "auditd/log_recovery.h"
#include "shared/audit/record_line.h"
#include "shared/base/failure.h"

struct log_store;

/*
 * `directory` is borrowed: a descriptor of the audit directory. `on_line` sees every record that
 * recovery reads: at least those of the open segment.
 */
int log_store_open(int directory, log_line_handler *on_line, void *context,
                   struct log_store **ret_store, struct failure *reterr);
void log_store_free(struct log_store *store);

/* The log's name, as its key has it. Borrowed. */
const char *log_store_origin(const struct log_store *store);

/* Bytes of a torn line that opening found, which is cut off before anything is written; 0: none. */
uint64_t log_store_cut_bytes(const struct log_store *store);
/* Of the next record. */
uint64_t log_store_next_seq(const struct log_store *store);
/* Whole lines written to the open segment. */
uint64_t log_store_segment_bytes(const struct log_store *store);
/* Records that no checkpoint covers yet. */
uint64_t log_store_unsigned(const struct log_store *store);

/*
 * Adds the record to the chain; context->seq, id, previous_hash, tree_size and tree_root are set
 * here. Collected in memory: written by log_store_write(). -E2BIG and -EIO as
 * record_line_write(); -EAGAIN: write first.
 */
int log_store_append(struct log_store *store, const struct event_record *record,
                     struct record_context *context);

bool log_store_has_pending(const struct log_store *store);
/* Writes what is collected. -ENOSPC and the like: nothing is lost, try again later. */
int log_store_write(struct log_store *store);
/* What is written is on the disk afterwards. An error here is final for this segment: Linux
 * reports a lost page once. The next log_store_write() begins a new segment file in its place. */
int log_store_sync(struct log_store *store);
/* Syncs, then signs the tree. Nothing may be pending. */
int log_store_checkpoint(struct log_store *store);

/* The next record begins a new segment. Everything must have been written and signed. */
int log_store_rotate(struct log_store *store);

/* Removes closed segments whose records all are below `before_seq`. The caller has recorded it. */
int log_store_prune(struct log_store *store, uint64_t before_seq);
/* The first seq that would be kept if closed segments might hold at most `max_bytes`, and none
 * older than `max_age_s` were kept; *ret_first is the first seq that is there. */
int log_store_prune_limit(struct log_store *store, uint64_t max_bytes, uint64_t max_age_s,
                          uint64_t *ret_first, uint64_t *ret_before_seq);

#endif
