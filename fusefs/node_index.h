/*
 * How a node table finds what it has: nodes by the kernel's number and by what they are, dentries
 * by directory and name. Private to the files of node_table.h, which says what any of it means.
 *
 * A number is a slot, in chunks that never move, and the slot's generation: who gives a slot back
 * makes its old numbers stale. The two hashes grow as they fill; without memory for that their
 * chains grow longer, with the same answers.
 *
 * Ownership: the index owns its arrays, never a node or a dentry. Threads: under the table's lock.
 */
#ifndef FAILCORE_FUSEFS_NODE_INDEX_H
#define FAILCORE_FUSEFS_NODE_INDEX_H

#include <stdint.h>

#include "fusefs/node_table.h"

/* -ENOMEM: node_index_clear() is still to be called. */
int node_index_init(struct node_table *table);
void node_index_clear(struct node_table *table);

/* The node's number and place, by its identity. -ENFILE: no slot is left; -ENOMEM. */
int node_index_add(struct node_table *table, struct node *node);
void node_index_remove(struct node_table *table, struct node *node);

/* What a slot holds; NULL: nothing. */
struct node *node_index_at(const struct node_table *table, uint32_t slot);
/* NULL: there is none, or it was another node's number. */
struct node *node_index_find_number(const struct node_table *table, uint64_t id);
struct node *node_index_find(const struct node_table *table, const struct node_identity *identity);

/* What dentry.hash is. */
uint32_t node_index_name_hash(const struct node *directory, struct str_view name);
/* By dentry.hash, directory and name. Of the node's own list of names the index knows nothing. */
void node_index_add_name(struct node_table *table, struct dentry *dentry);
void node_index_remove_name(struct node_table *table, struct dentry *dentry);
struct dentry *node_index_find_name(const struct node_table *table, const struct node *directory,
                                    struct str_view name);

#endif
