#include "shared/audit/merkle.h"

#include <errno.h>
#include <string.h>

#include "shared/crypto/sha256_pair.h"

#define NODE 0x01 /* RFC 6962 section 2.1 */

int merkle_node(struct sha256 *sha, const uint8_t left[static SHA256_SIZE],
                const uint8_t right[static SHA256_SIZE], uint8_t ret_hash[static SHA256_SIZE])
{
    uint8_t input[1 + 2 * SHA256_SIZE] = {NODE};

    memcpy(input + 1, left, SHA256_SIZE);
    memcpy(input + 1 + SHA256_SIZE, right, SHA256_SIZE);
    return sha256_of(sha, input, sizeof(input), ret_hash);
}

/* The row above one of `count` hashes, in its place. Neighbours lie as a node wants them, so nodes
 * are made by twos as they lie. */
static int halve(struct sha256 *sha, uint8_t (*row)[SHA256_SIZE], unsigned int count)
{
    if (count == 2) {
        return merkle_node(sha, row[0], row[1], row[0]);
    }
    for (unsigned int i = 0; i < count; i += 4) {
        const struct sha256_text text[2] = {
            {.first = NODE, .bytes = row[i], .length = 2 * SHA256_SIZE},
            {.first = NODE, .bytes = row[i + 2], .length = 2 * SHA256_SIZE},
        };
        uint8_t above[2][SHA256_SIZE];

        if (sha256_pair(sha, text, above) < 0) {
            return -EIO;
        }
        memcpy(row[i / 2], above, sizeof(above));
    }
    return 0;
}

int merkle_perfect_root(struct sha256 *sha, const uint8_t (*hashes)[SHA256_SIZE],
                        unsigned int count, uint8_t ret_root[static SHA256_SIZE])
{
    uint8_t row[MERKLE_TILE_WIDTH][SHA256_SIZE];

    if (count == 0 || count > MERKLE_TILE_WIDTH || (count & (count - 1)) != 0) {
        return -EINVAL;
    }
    memcpy(row, hashes, (size_t)count * SHA256_SIZE);
    for (; count > 1; count /= 2) {
        if (halve(sha, row, count) < 0) {
            return -EIO;
        }
    }
    memcpy(ret_root, row[0], SHA256_SIZE);
    return 0;
}

int merkle_append(struct merkle_tree *tree, const uint8_t leaf[static SHA256_SIZE],
                  struct sha256 *sha, merkle_tile_handler *on_full, void *context)
{
    uint8_t hash[SHA256_SIZE];

    memcpy(hash, leaf, SHA256_SIZE);
    tree->size++;
    for (unsigned int level = 0; level < MERKLE_LEVELS; level++) {
        struct merkle_tile *tile = &tree->level[level];
        uint64_t index = (tree->size - 1) >> (8 * (level + 1));
        int error;

        memcpy(tile->hash[tile->width++], hash, SHA256_SIZE);
        if (tile->width < MERKLE_TILE_WIDTH) {
            return 0;
        }
        error = on_full == NULL ? 0 : on_full(context, level, index, tile);
        if (error < 0) {
            return error;
        }
        if (merkle_perfect_root(sha, (const uint8_t(*)[SHA256_SIZE])tile->hash, MERKLE_TILE_WIDTH,
                                hash) < 0) {
            return -EIO;
        }
        tile->width = 0;
    }
    return -EFBIG;
}

/* From right to left: each level's open tile is cut into perfect subtrees, smallest last. */
int merkle_root(const struct merkle_tree *tree, struct sha256 *sha,
                uint8_t ret_root[static SHA256_SIZE])
{
    uint8_t root[SHA256_SIZE];
    bool is_empty = true;

    for (unsigned int level = 0; level < MERKLE_LEVELS; level++) {
        const struct merkle_tile *tile = &tree->level[level];
        unsigned int left = tile->width;

        while (left > 0) {
            unsigned int count = left & -left;
            uint8_t part[SHA256_SIZE];

            left -= count;
            if (merkle_perfect_root(sha, tile->hash + left, count, part) < 0) {
                return -EIO;
            }
            if (is_empty) {
                memcpy(root, part, SHA256_SIZE);
                is_empty = false;
            } else if (merkle_node(sha, part, root, root) < 0) {
                return -EIO;
            }
        }
    }
    if (is_empty) {
        return sha256_of(sha, "", 0, ret_root);
    }
    memcpy(ret_root, root, SHA256_SIZE);
    return 0;
}

bool merkle_proof_holds(struct sha256 *sha, const uint8_t leaf[static SHA256_SIZE], uint64_t index,
                        uint64_t size, const uint8_t (*proof)[SHA256_SIZE], unsigned int count,
                        const uint8_t root[static SHA256_SIZE])
{
    uint64_t node = index;
    uint64_t last = size - 1;
    uint8_t hash[SHA256_SIZE];

    if (size == 0 || index >= size) {
        return false;
    }
    memcpy(hash, leaf, SHA256_SIZE);
    for (unsigned int i = 0; i < count; i++) {
        int error;

        if (last == 0) {
            return false;
        }
        if ((node & 1) != 0 || node == last) {
            error = merkle_node(sha, proof[i], hash, hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            error = merkle_node(sha, hash, proof[i], hash);
        }
        if (error < 0) {
            return false;
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(hash, root, SHA256_SIZE) == 0;
}
