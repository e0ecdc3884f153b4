#include "fusefs/node_shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/descriptor_cache.h"
#include "fusefs/node_index.h"

void node_shape_lock(struct node_table *table)
{
    pthread_rwlock_wrlock(&table->lock);
}

void node_shape_unlock(struct node_table *table)
{
    struct descriptor *dead = table->dead;

    table->dead = NULL;
    pthread_rwlock_unlock(&table->lock);
    while (dead != NULL) {
        struct descriptor *next = dead->next_dead;

        descriptor_unref(dead);
        dead = next;
    }
}

int node_new(struct node_table *table, const struct statx *status, struct node **ret_node)
{
    struct node *node;
    int r;

    if (table->count >= table->limit) {
        return -ENFILE;
    }
    node = calloc(1, sizeof(*node));
    if (node == NULL) {
        return -ENOMEM;
    }
    node->identity = node_identity_from(status);
    node->type = (mode_t)status->stx_mode & S_IFMT;
    atomic_store_explicit(&node->links, status->stx_nlink, memory_order_relaxed);
    r = node_index_add(table, node);
    if (r < 0) {
        free(node);
        return r;
    }
    *ret_node = node;
    return 0;
}

bool node_is_needed(const struct node *node)
{
    if (atomic_load(&node->lookups) > 0 || atomic_load(&node->pins) > 0 || node->children > 0 ||
        node->files != NULL) {
        return true;
    }
    /* Names of a hard-linked file are remembered: each of them counts for its verdict. */
    return node->type == S_IFREG && node->names != NULL &&
           (node->names->next_name != NULL ||
            (atomic_load(&node->links_searched) > 1 && atomic_load(&node->links) > 1));
}

static void dentry_unlink(struct node_table *table, struct dentry *dentry)
{
    struct dentry **at = &dentry->node->names;

    node_index_remove_name(table, dentry);
    while (*at != dentry) {
        at = &(*at)->next_name;
    }
    *at = dentry->next_name;
}

/* The dentry goes; its directory may go with it. */
static void dentry_destroy(struct node_table *table, struct dentry *dentry)
{
    struct node *directory = dentry->directory;

    policy_state_unref(dentry->state);
    free(dentry);
    directory->children--;
    node_drop_if_unneeded(table, directory);
}

void dentry_free(struct node_table *table, struct dentry *dentry)
{
    dentry_unlink(table, dentry);
    dentry_destroy(table, dentry);
}

static void orphan_clear(struct node_table *table, struct node *node)
{
    struct dentry *orphan = node->orphan;

    if (orphan != NULL) {
        node->orphan = NULL;
        dentry_destroy(table, orphan);
    }
}

void node_drop_if_unneeded(struct node_table *table, struct node *node)
{
    struct descriptor *kept;

    if (node == table->root || node_is_needed(node)) {
        return;
    }
    node_index_remove(table, node);
    kept = descriptor_cache_take(table->descriptors, node);
    if (kept != NULL) {
        kept->next_dead = table->dead;
        table->dead = kept;
    }
    while (node->names != NULL) {
        dentry_free(table, node->names);
    }
    orphan_clear(table, node);
    free(node);
}

struct dentry *dentry_alloc(struct node *directory, struct str_view name, struct node *node,
                            const struct policy_state *state)
{
    struct dentry *dentry = calloc(1, sizeof(*dentry) + name.length + 1);

    if (dentry == NULL) {
        return NULL;
    }
    dentry->directory = directory;
    dentry->node = node;
    dentry->state = policy_state_ref(state);
    dentry->hash = node_index_name_hash(directory, name);
    dentry->length = (uint16_t)name.length;
    memcpy(dentry->name, name.bytes, name.length);
    dentry->name[name.length] = '\0';
    directory->children++;
    return dentry;
}

struct dentry *dentry_new(struct node_table *table, struct node *directory, struct str_view name,
                          struct node *node, const struct policy_state *state)
{
    struct dentry *dentry = dentry_alloc(directory, name, node, state);

    if (dentry == NULL) {
        return NULL;
    }
    node_index_add_name(table, dentry);
    dentry->next_name = node->names;
    node->names = dentry;
    orphan_clear(table, node);
    return dentry;
}

void node_shape_clear_name(struct node_table *table, struct node *directory, struct str_view name)
{
    struct dentry *dentry = node_index_find_name(table, directory, name);

    if (dentry != NULL) {
        struct node *node = dentry->node;
        unsigned int links = atomic_load(&node->links);

        atomic_store(&node->links, links > 0 ? links - 1 : 0);
        /* The node must outlive its dentry's removal, which may drop the directory. */
        atomic_fetch_add(&node->pins, 1);
        dentry_unlink(table, dentry);
        if (node->names == NULL) {
            orphan_clear(table, node);
            node->orphan = dentry;
        } else {
            dentry_destroy(table, dentry);
        }
        atomic_fetch_sub(&node->pins, 1);
        node_drop_if_unneeded(table, node);
    }
}
