/*
 * Which runs a log holds, and where: made from the log alone, in one pass.
 *
 * Ownership: release with run_index_clear(). Texts are copies: bytes as in the record, cut at
 * their size; they are the workload's or the user's and are shown through inert_text only.
 */
#ifndef FAILCORE_AUDIT_RUN_INDEX_H
#define FAILCORE_AUDIT_RUN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/audit/log_lines.h"
#include "shared/audit/record_reader.h"

#define RUN_INDEX_ID_MAX 128

/* Events, not records: a REPEAT that folded 300 counts 300. */
struct run_counts {
    uint64_t records;
    uint64_t decisions;
    uint64_t blocked; /* decisions: refused by us */
    uint64_t logged;  /* decisions: allowed and marked */
    uint64_t failed;  /* results: the operation itself failed */
    uint64_t limited; /* results: TIMEOUT or LIMIT */
    uint64_t lost;    /* accounted for by LOSS */
};

struct run_entry {
    char id[RUN_INDEX_ID_MAX];
    char policy_name[64];
    char policy_version[64];
    char policy_hash[65];
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t first_ns;
    int64_t last_ns;
    uint64_t start_seq;    /* of its START record; UINT64_MAX: there is none */
    uint64_t end_seq;      /* of its END record; UINT64_MAX: it has not ended, or not by itself */
    char host[65];         /* of its START, likewise below */
    uint64_t launcher_uid; /* who started it; UINT64_MAX: not known */
    uint64_t exit_code;    /* of its END; UINT64_MAX: not known */
    char cause[24];        /* of its END: "exited", "signalled", ... */
    struct run_counts counts;
};

struct run_index {
    struct run_entry *runs; /* by first_seq */
    size_t count;
    size_t capacity;
    size_t *slots; /* hash of the id to its place + 1 */
    size_t slot_count;
    uint64_t next_seq;   /* behind the last record read */
    uint64_t unreadable; /* lines that are no record */
};

/* A run's entry by its exact id, made when there is none. NULL: no memory. */
struct run_entry *run_index_entry(struct run_index *index, const char *id);

/* Adds one record to the counts of its run; records of no run ("") are passed over. */
int run_index_add(struct run_index *index, const struct audit_record *record);
/* All that `lines` still has. Lines that cannot be read are counted, not refused. */
int run_index_read(struct run_index *index, struct log_lines *lines, struct failure *reterr);
void run_index_clear(struct run_index *index);

/*
 * The run that a person means: NULL or "last" is the one that began last; else the id, the
 * beginning of exactly one id, or its end after the last "-". NULL when there is none or several.
 */
const struct run_entry *run_index_find(const struct run_index *index, const char *word);

#endif
