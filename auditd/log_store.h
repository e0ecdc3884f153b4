/*
 * The files of one log: the chain's head, the open segment, and what is not yet written.
 *
 * Lines are collected in memory and written in pieces; a failed write leaves no torn line behind
 * and keeps everything collected for the next try. After a crash, opening the store cuts a torn
 * last line into recovered/ and checks the chain of the open segment before anything is added.
 *
 * Ownership: log_store_open() gives the caller a store. Threads: one at a time.
 * Errors: negative errno; opening explains itself.
 */
#ifndef FAILCORE_AUDITD_LOG_STORE_H
#define FAILCORE_AUDITD_LOG_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/record_line.h"
#include "shared/base/failure.h"

struct log_store;

/* `directory` is borrowed: a descriptor of the audit directory. */
int log_store_open(int directory, struct log_store **ret_store, struct failure *reterr);
void log_store_free(struct log_store *store);

/* Bytes of a torn line that opening cut off; 0: none. */
uint64_t log_store_cut_bytes(const struct log_store *store);
/* Greater than every producer number in the log. */
uint64_t log_store_next_producer(const struct log_store *store);
/* Of the next record. */
uint64_t log_store_next_seq(const struct log_store *store);

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
/* What is written is on the disk afterwards. */
int log_store_sync(struct log_store *store);

#endif
