/*
 * The Merkle tree of RFC 6962 section 2.1, as the right edge of its tiles.
 *
 * A tile holds 256 hashes of one level (C2SP tlog-tiles): level 0 the leaves, level k the roots of
 * full tiles of level k - 1. Of each level only the tile that is still open is kept: 56 KiB for
 * any size.
 *
 * Threads: a tree belongs to one thread. Errors: -EIO when the digest fails.
 */
#ifndef FAILCORE_AUDIT_MERKLE_H
#define FAILCORE_AUDIT_MERKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/crypto/sha256.h"

#define MERKLE_TILE_WIDTH 256U
#define MERKLE_LEVELS     7U /* 2^56 leaves */

struct merkle_tile {
    unsigned int width;
    uint8_t hash[MERKLE_TILE_WIDTH][SHA256_SIZE];
};

struct merkle_tree {
    uint64_t size;
    struct merkle_tile level[MERKLE_LEVELS];
};

/* Called for each tile that becomes full, before it is forgotten. A negative return ends the append
 * (the tree is then of no more use). */
typedef int merkle_tile_handler(void *context, unsigned int level, uint64_t index,
                                const struct merkle_tile *tile);

int merkle_append(struct merkle_tree *tree, const uint8_t leaf[static SHA256_SIZE],
                  struct sha256 *sha, merkle_tile_handler *on_full, void *context);

/* The tree's root; of the empty tree the digest of nothing. */
int merkle_root(const struct merkle_tree *tree, struct sha256 *sha,
                uint8_t ret_root[static SHA256_SIZE]);

/* SHA-256(0x01, left, right). */
int merkle_node(struct sha256 *sha, const uint8_t left[static SHA256_SIZE],
                const uint8_t right[static SHA256_SIZE], uint8_t ret_hash[static SHA256_SIZE]);

/* The root over 2^k hashes that lie one after another. */
int merkle_perfect_root(struct sha256 *sha, const uint8_t (*hashes)[SHA256_SIZE],
                        unsigned int count, uint8_t ret_root[static SHA256_SIZE]);

#define MERKLE_PROOF_MAX 64

/* RFC 9162 section 2.1.3.2: does the proof lead from leaf `index` to the root of `size` leaves? */
bool merkle_proof_holds(struct sha256 *sha, const uint8_t leaf[static SHA256_SIZE], uint64_t index,
                        uint64_t size, const uint8_t (*proof)[SHA256_SIZE], unsigned int count,
                        const uint8_t root[static SHA256_SIZE]);

#endif
