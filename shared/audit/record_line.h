/*
 * The line of a record, byte for byte as docs/audit-format.md has it: member order fixed, one
 * escaping, no blanks. These bytes are what is hashed, so there is exactly one writer of them.
 */
#ifndef FAILCORE_AUDIT_RECORD_LINE_H
#define FAILCORE_AUDIT_RECORD_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/audit/event_record.h"
#include "shared/crypto/sha256.h"

/* A line with its newline; C2SP entry bundles have 16-bit lengths. */
#define RECORD_LINE_MAX 60000U

/* What the writer adds to an event. Texts are borrowed. */
struct record_context {
    uint64_t seq;
    uint8_t id[16];       /* random; made a version 4 UUID here */
    uint64_t realtime_ns; /* of the event */
    uint64_t producer;
    struct str_view run;
    struct str_view policy_name, policy_revision, policy_hash;
    enum { RECORD_OF_NONE, RECORD_OF_SEQ, RECORD_OF_PSEQ } of_kind;
    uint64_t of_seq;
    uint64_t of_producer, of_pseq; /* where the seq is not known any more */
    uint64_t tree_size;
    char tree_root[SHA256_HEX_SIZE]; /* "" before the first checkpoint */
    char previous_hash[SHA256_HEX_SIZE];
};

/*
 * Writes the line into `line`. Texts that would make it longer than RECORD_LINE_MAX are cut again,
 * with their length and digest. *ret_hash is the entry hash. Returns the length; -E2BIG when the
 * members of a run record leave no room; -EIO when the digest fails.
 */
int record_line_write(const struct event_record *record, const struct record_context *context,
                      struct sha256 *sha, char line[static RECORD_LINE_MAX],
                      uint8_t ret_hash[static SHA256_SIZE]);

#endif
