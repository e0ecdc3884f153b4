/*
 * The tree of a log on disk: tiles, the signed checkpoint, the list of all checkpoints.
 *
 * Order: a checkpoint is written only after its records are on the disk (the caller sees to that),
 * so no checkpoint is ever durable before what it covers. Tiles can be made again from the
 * records; they are not synced one by one.
 */
#ifndef FAILCORE_AUDITD_TREE_STORE_H
#define FAILCORE_AUDITD_TREE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/merkle.h"
#include "shared/base/failure.h"

struct tree_store;

/*
 * Opens key and checkpoint. `directory` and `sha` are borrowed. `is_new`: there are no records.
 * Afterwards the tree stands at tree_store_size(): the last checkpoint's size, or 0 when the tiles
 * do not lead to its root and the tree has to be made again from all records.
 */
int tree_store_open(int directory, bool is_new, struct sha256 *sha, struct tree_store **ret_store,
                    struct failure *reterr);
void tree_store_free(struct tree_store *store);

/* The log's name, as its key has it. Borrowed. */
const char *tree_store_origin(const struct tree_store *store);
uint64_t tree_store_size(const struct tree_store *store);
/* Of the last signed checkpoint; 0 and "" before the first. */
uint64_t tree_store_signed_size(const struct tree_store *store);
const char *tree_store_signed_root(const struct tree_store *store);

/* -EKEYREJECTED: the tree of the records does not have the root that was signed at this size. */
int tree_store_append(struct tree_store *store, const uint8_t leaf[static SHA256_SIZE]);

/* Full tiles to the disk. -ENOSPC and the like: they are kept, try again. */
int tree_store_write(struct tree_store *store);

/* Signs and stores the tree as it is; nothing to do when it has not grown. */
int tree_store_checkpoint(struct tree_store *store);

#endif
