/*
 * Judging a log: every record and its order, the ledger, the tree, the signature, the pins.
 *
 * Errors: negative errno when the log cannot be read; a log that is read and found changed is a
 * verdict, not an error. Threads: verifying makes its own and ends them.
 */
#ifndef FAILCORE_AUDIT_VERIFY_H
#define FAILCORE_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/checkpoint.h"
#include "shared/base/failure.h"

struct audit_verify_options {
    const char *path;        /* an audit directory, or one segment file (its chain alone) */
    const char *key;         /* a file with a vkey, or the vkey itself; NULL: the log's own */
    const char *const *pins; /* files with older checkpoints */
    size_t pin_count;
    unsigned int threads; /* 0: as many as there are processors */
    /* Called now and then with the records so far. */
    void (*progress)(void *context, uint64_t records);
    void *progress_context;
};

struct audit_verdict {
    bool intact;
    bool has_signature; /* false for a single segment */
    uint64_t records;   /* that were read */
    uint64_t segments;
    uint64_t pruned;      /* records before the first, gone by policy; their hashes hold */
    uint64_t torn_bytes;  /* of a last line that was never finished */
    uint64_t signed_size; /* of the checkpoint */
    uint64_t unsigned_count;
    uint64_t pins_held;
    uint64_t strays;  /* files in log/ that are no segments */
    char stray[64];   /* the first of them, cut */
    uint64_t bad_seq; /* when not intact: the first record that is wrong */
    char why[256];
    char origin[ORIGIN_MAX];
    char head[SHA256_HEX_SIZE]; /* entry hash of the last record */
    char root[SHA256_HEX_SIZE]; /* of the tree of all records */
};

int audit_verify(const struct audit_verify_options *options, struct audit_verdict *ret_verdict,
                 struct failure *reterr);

#endif
