/* The tree that the records make, held against the tiles beside the log. */
#include <errno.h>
#include <string.h>

#include "shared/audit/tile.h"
#include "shared/audit/verification.h"

static void note_tile(struct verification *v, uint64_t seq, const char *why)
{
    if (v->tile_seq == UINT64_MAX) {
        v->tile_seq = seq;
        v->tile_why = why;
    }
}

static void compare_tile(struct verification *v, unsigned int level, uint64_t index,
                         const struct merkle_tile *tile)
{
    uint64_t span = 1ULL << (8 * level); /* records under one hash */
    struct merkle_tile stored;
    int error = tile_read(v->directory, level, index, tile->width, &stored);

    if (error == -ENOENT && tile->width < MERKLE_TILE_WIDTH) {
        return; /* a writer that goes on drops it with its next checkpoint */
    }
    if (error < 0) {
        note_tile(v, index * MERKLE_TILE_WIDTH * span, "a tile of the tree is missing or cut");
        return;
    }
    for (unsigned int i = 0; i < tile->width; i++) {
        if (memcmp(stored.hash[i], tile->hash[i], SHA256_SIZE) != 0) {
            note_tile(v, (index * MERKLE_TILE_WIDTH + i) * span,
                      "a tile of the tree differs from the records");
            return;
        }
    }
}

static int on_full_tile(void *context, unsigned int level, uint64_t index,
                        const struct merkle_tile *tile)
{
    struct verification *v = context;

    /* Tiles behind the checkpoint may not be there yet. */
    if ((index + 1) << (8 * (level + 1)) <= v->verdict.signed_size) {
        compare_tile(v, level, index, tile);
    }
    return 0;
}

int verification_add_leaf(struct verification *v, const uint8_t leaf[static SHA256_SIZE])
{
    int error = merkle_append(&v->tree, leaf, v->sha, on_full_tile, v);

    if (error < 0) {
        return error;
    }
    if (v->tree.size == v->verdict.signed_size) {
        for (unsigned int level = 0; level < MERKLE_LEVELS; level++) {
            if (v->tree.level[level].width > 0) {
                compare_tile(v, level, v->tree.size >> (8 * (level + 1)), &v->tree.level[level]);
            }
        }
    }
    verification_check_heads(v);
    return 0;
}

/* As wide as what is signed makes it: of what comes behind, a writer may have no tile yet. */
static int read_leaf_tile(const struct verification *v, uint64_t index,
                          struct merkle_tile *ret_tile)
{
    uint64_t size = v->verdict.signed_size;
    unsigned int width = size / MERKLE_TILE_WIDTH > index
                             ? MERKLE_TILE_WIDTH
                             : (unsigned int)(size % MERKLE_TILE_WIDTH);

    return tile_read(v->directory, 0, index, width, ret_tile);
}

int verification_add_pruned(struct verification *v)
{
    struct merkle_tile tile;

    for (uint64_t seq = 0; seq < v->first_seq && v->verdict.intact; seq++) {
        unsigned int at = (unsigned int)(seq % MERKLE_TILE_WIDTH);
        int error = 0;

        if (at == 0) {
            error = read_leaf_tile(v, seq / MERKLE_TILE_WIDTH, &tile);
        }
        if (error < 0 || at >= tile.width) {
            verification_condemn_files(v, seq, "records are gone, and so are their hashes");
            return 0;
        }
        error = verification_add_leaf(v, tile.hash[at]);
        if (error < 0) {
            return error;
        }
        memcpy(v->chain.previous, tile.hash[at], SHA256_SIZE);
    }
    v->chain.next_seq = v->first_seq;
    v->verdict.pruned = v->first_seq;
    return 0;
}

bool verification_last_was_exchanged(const struct verification *v)
{
    uint64_t seq = v->chain.next_seq - 1;
    struct merkle_tile tile;

    return v->has_tree && v->chain.next_seq > 0 && seq < v->verdict.signed_size &&
           read_leaf_tile(v, seq / MERKLE_TILE_WIDTH, &tile) == 0 &&
           memcmp(tile.hash[seq % MERKLE_TILE_WIDTH], v->chain.previous, SHA256_SIZE) != 0;
}
