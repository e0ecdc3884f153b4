/*
 * The shape of a node table while it changes: nodes and dentries that come and go. Private to
 * node_table.c and node_names.c; node_table.h says what any of it means.
 *
 * Threads: everything but the lock itself is called with the table locked for writing;
 * node_is_needed() with any lock.
 */
#ifndef FAILCORE_FUSEFS_NODE_SHAPE_H
#define FAILCORE_FUSEFS_NODE_SHAPE_H

#include "fusefs/node_table.h"

void node_shape_lock(struct node_table *table);
/* Closing a directory's last descriptor may take long (a deleted tree): done after the lock. */
void node_shape_unlock(struct node_table *table);

/* A node without a name, that nobody refers to yet. -ENFILE, -ENOMEM. */
int node_new(struct node_table *table, const struct statx *status, struct node **ret_node);
bool node_is_needed(const struct node *node);
/* With the names it still has, and its directory when only that name needed it. */
void node_drop_if_unneeded(struct node_table *table, struct node *node);

/* A name that nothing finds yet. Takes a reference on the state; NULL without memory. */
struct dentry *dentry_alloc(struct node *directory, struct str_view name, struct node *node,
                            const struct policy_state *state);
/* The node has this name, which was free, from now on. NULL without memory. */
struct dentry *dentry_new(struct node_table *table, struct node *directory, struct str_view name,
                          struct node *node, const struct policy_state *state);
/* The name goes; its node is the caller's to look after. */
void dentry_free(struct node_table *table, struct dentry *dentry);

/* A name stands for nothing, or for something else, from now on. */
void node_shape_clear_name(struct node_table *table, struct node *directory, struct str_view name);

#endif
