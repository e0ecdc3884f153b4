/*
 * One verification of a log while it goes on: what verify.c, verify_heads.c and verify_tree.c
 * share, and nobody else includes.
 *
 * A function that finds the log changed says so with verification_condemn() and returns 0; negative
 * errno is for what could not be done. The first that is found wrong is the verdict.
 */
#ifndef FAILCORE_AUDIT_VERIFICATION_H
#define FAILCORE_AUDIT_VERIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/audit/line_stream.h"
#include "shared/audit/merkle.h"
#include "shared/audit/producer_book.h"
#include "shared/audit/segment.h"
#include "shared/audit/verify.h"

struct signed_head {
    struct checkpoint checkpoint;
    bool is_pin;
};

/* The oldest segments go first: so many are held open from the beginning, and stay readable. */
#define HELD_MAX 256U

struct verification {
    const struct audit_verify_options *options;
    struct audit_verdict verdict;
    int directory;
    struct sha256 *sha;
    struct note_key key;
    struct signed_head *heads; /* the checkpoint and the pins, in the order of their size */
    size_t head_count;
    size_t next_head;
    struct line_stream *stream;
    struct segment_chain chain;
    struct producer_book book;
    struct merkle_tree tree;
    int held[HELD_MAX]; /* descriptors of the first segments; -1: could not be opened */
    size_t held_count;
    uint64_t first_seq; /* the first that is still there */
    uint64_t pruned_to; /* what PRUNE records say: everything below is gone by policy */
    uint64_t tile_seq;  /* first record that differs from a tile; UINT64_MAX: none */
    const char *tile_why;
    bool has_tree;       /* a directory; false for a single segment */
    bool may_have_moved; /* what is wrong could be a writer's work between two of our reads */
};

void verification_condemn(struct verification *v, uint64_t seq, const char *why);
/* Of files that do not fit together: a writer may have moved them meanwhile. */
void verification_condemn_files(struct verification *v, uint64_t seq, const char *why);

/* The log's key, its checkpoint and the pins. */
int verification_read_heads(struct verification *v, struct failure *reterr);
/* The tree stands at its size: every signed head of that size must have its root. */
void verification_check_heads(struct verification *v);

/* The tree grows by one record: held against the tiles and heads that it completes. */
int verification_add_leaf(struct verification *v, const uint8_t leaf[static SHA256_SIZE]);
/* The records before the first are gone by policy: their hashes are in the tiles. */
int verification_add_pruned(struct verification *v);
/* A broken link between two records: the tree knows which of them is the one that was signed. */
bool verification_last_was_exchanged(const struct verification *v);

#endif
