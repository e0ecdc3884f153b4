/*
 * Tiles as files (C2SP tlog-tiles): tile/<level>/<index>, the index in groups of three digits,
 * all but the last with an x before: 1234067 is x001/x234/067. A tile that is not full yet ends
 * in .p/<width>. The content is the hashes, one after another.
 */
#ifndef FAILCORE_AUDIT_TILE_H
#define FAILCORE_AUDIT_TILE_H

#include <stdbool.h>

#include "shared/audit/merkle.h"

#define TILE_PATH_MAX 96

/* Relative to the audit directory; width 256 is a full tile. */
void tile_path_format(unsigned int level, uint64_t index, unsigned int width,
                      char path[static TILE_PATH_MAX]);

/* Written beside and renamed. Not durable before tile_sync(). */
int tile_write(int directory, unsigned int level, uint64_t index, const struct merkle_tile *tile);
/*
 * The tile and its name are on the disk. `synced` is "" at first, and remembers between calls for
 * tiles that were all written before the first of them which directory is done.
 */
int tile_sync(int directory, unsigned int level, uint64_t index, unsigned int width,
              char synced[static TILE_PATH_MAX]);
/* The same for a partial tile of a directory in which one was synced before. */
int tile_sync_next(int directory, unsigned int level, uint64_t index, unsigned int width);
/* Removes a tile that is not full, and its directory when that is empty. */
void tile_remove_partial(int directory, unsigned int level, uint64_t index, unsigned int width);

/*
 * A tile with at least `width` hashes: the partial one of exactly that width, or the full one cut
 * (C2SP lets a log drop a partial tile once the full one is there). -ENOENT, -EBADMSG for a file
 * of another size.
 */
int tile_read(int directory, unsigned int level, uint64_t index, unsigned int width,
              struct merkle_tile *ret_tile);

/* The right edge of the tree of `size` leaves, from its tiles. Errors as tile_read(). */
int tile_read_tree(int directory, uint64_t size, struct merkle_tree *ret_tree);

/*
 * RFC 9162 section 2.1.3.1: the inclusion proof of leaf `index` in the tree of `size` leaves.
 * Returns the number of hashes. Errors as tile_read(); -EINVAL when index >= size.
 */
int tile_inclusion_proof(int directory, struct sha256 *sha, uint64_t index, uint64_t size,
                         uint8_t (*proof)[SHA256_SIZE]);

#endif
