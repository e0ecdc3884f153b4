#include "fusefs/node_table.h"

#include <errno.h>
#include <stdlib.h>

#include "fusefs/descriptor_cache.h"
#include "fusefs/node_index.h"
#include "fusefs/node_shape.h"

struct node_identity node_identity_from(const struct statx *status)
{
    return (struct node_identity){
        .device = (uint64_t)status->stx_dev_major << 32 | status->stx_dev_minor,
        .inode = status->stx_ino,
        .born_seconds = (status->stx_mask & STATX_BTIME) != 0 ? status->stx_btime.tv_sec : 0,
        .born_nanoseconds = (status->stx_mask & STATX_BTIME) != 0 ? status->stx_btime.tv_nsec : 0,
    };
}

bool node_identity_equals(const struct node_identity *a, const struct node_identity *b)
{
    return a->inode == b->inode && a->device == b->device && a->born_seconds == b->born_seconds &&
           a->born_nanoseconds == b->born_nanoseconds;
}

int node_table_init(struct node_table *table, struct policy *policy, const struct statx *root,
                    struct descriptor_cache *descriptors)
{
    pthread_rwlockattr_t attributes;
    int r;

    *table = (struct node_table){
        .limit = NODE_LIMIT - NODE_FIRST_ID,
        .slots_used = NODE_ROOT_ID,
        .epoch = 1,
        .descriptors = descriptors,
    };
    pthread_rwlockattr_init(&attributes);
    /* A stream of readers must not keep a new name waiting for ever. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&table->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    table->policy = policy_ref(policy);
    atomic_init(&table->may_hide, policy_fs_settings(policy).may_hide);
    table->root_state = policy_path_root(policy);
    r = node_index_init(table);
    if (r == 0) {
        r = node_new(table, root, &table->root);
    }
    if (r < 0) {
        node_table_clear(table);
        return r;
    }
    table->slots_used = NODE_FIRST_ID;
    return 0;
}

void node_table_clear(struct node_table *table)
{
    for (uint32_t slot = 0; slot < table->slots_used; slot++) {
        struct node *node = node_index_at(table, slot);

        if (node != NULL) {
            struct dentry *next;

            for (struct dentry *dentry = node->names; dentry != NULL; dentry = next) {
                next = dentry->next_name;
                policy_state_unref(dentry->state);
                free(dentry);
            }
            if (node->orphan != NULL) {
                policy_state_unref(node->orphan->state);
                free(node->orphan);
            }
            descriptor_unref(descriptor_cache_take(table->descriptors, node));
            free(node);
        }
    }
    node_index_clear(table);
    policy_state_unref(table->root_state);
    policy_unref(table->policy);
    pthread_rwlock_destroy(&table->lock);
    *table = (struct node_table){0};
}

struct node *node_table_pin(struct node_table *table, uint64_t id)
{
    struct node *node;

    pthread_rwlock_rdlock(&table->lock);
    node = node_index_find_number(table, id);
    if (node != NULL) {
        atomic_fetch_add(&node->pins, 1);
    }
    pthread_rwlock_unlock(&table->lock);
    return node;
}

struct node *node_pin(struct node *node)
{
    atomic_fetch_add(&node->pins, 1);
    return node;
}

void node_table_unpin(struct node_table *table, struct node *node)
{
    uint64_t id;

    if (node == NULL) {
        return;
    }
    /* After the subtraction the node may go at any time: only its number is used from there on. */
    id = node->id;
    if (atomic_fetch_sub(&node->pins, 1) > 1 || id == NODE_ROOT_ID) {
        return;
    }
    pthread_rwlock_rdlock(&table->lock);
    node = node_index_find_number(table, id);
    if (node == NULL || node_is_needed(node)) {
        pthread_rwlock_unlock(&table->lock);
        return;
    }
    pthread_rwlock_unlock(&table->lock);
    node_shape_lock(table);
    node = node_index_find_number(table, id);
    if (node != NULL) {
        node_drop_if_unneeded(table, node);
    }
    node_shape_unlock(table);
}

/* The common case of a lookup, shared: name and object are as we knew them. */
static struct node *enter_known(struct node_table *table, struct node *directory,
                                struct str_view name, uint64_t epoch,
                                const struct node_identity *identity, const struct statx *status)
{
    struct dentry *dentry;
    struct node *node = NULL;

    pthread_rwlock_rdlock(&table->lock);
    dentry = node_index_find_name(table, directory, name);
    if (dentry != NULL && table->epoch == epoch &&
        node_identity_equals(&dentry->node->identity, identity)) {
        node = dentry->node;
        atomic_fetch_add(&node->pins, 1);
        atomic_fetch_add(&node->lookups, 1);
        atomic_store_explicit(&node->links, status->stx_nlink, memory_order_relaxed);
    }
    pthread_rwlock_unlock(&table->lock);
    return node;
}

static int enter_new(struct node_table *table, struct node *directory, struct str_view name,
                     const struct policy_state *state, uint64_t epoch, const struct statx *status,
                     unsigned int lookups, struct node **ret_node)
{
    struct node_identity identity = node_identity_from(status);
    struct node *node;
    int r = 0;

    node_shape_lock(table);
    if (table->epoch != epoch) {
        node_shape_unlock(table);
        return -EAGAIN;
    }
    node = node_index_find(table, &identity);
    if (node == NULL) {
        r = node_new(table, status, &node);
    }
    if (r == 0) {
        struct dentry *known = node_index_find_name(table, directory, name);

        atomic_fetch_add(&node->pins, 1);
        if (known == NULL || known->node != node) {
            if (known != NULL) {
                node_shape_clear_name(table, directory, name);
            }
            if (node->type == S_IFDIR && node->names != NULL) {
                /* A directory has one name: it was moved underneath. */
                dentry_free(table, node->names);
            }
            if (node != table->root && dentry_new(table, directory, name, node, state) == NULL) {
                r = -ENOMEM;
            }
        }
        if (r == 0) {
            atomic_fetch_add(&node->lookups, lookups);
            atomic_store_explicit(&node->links, status->stx_nlink, memory_order_relaxed);
            *ret_node = node;
        } else {
            atomic_fetch_sub(&node->pins, 1);
            node_drop_if_unneeded(table, node);
        }
    }
    node_shape_unlock(table);
    return r;
}

int node_table_enter(struct node_table *table, struct node *directory, struct str_view name,
                     const struct policy_state *state, uint64_t epoch, const struct statx *status,
                     struct node **ret_node)
{
    struct node_identity identity = node_identity_from(status);
    struct node *node = enter_known(table, directory, name, epoch, &identity, status);

    if (node != NULL) {
        *ret_node = node;
        return 0;
    }
    return enter_new(table, directory, name, state, epoch, status, 1, ret_node);
}

int node_table_learn(struct node_table *table, struct node *directory, struct str_view name,
                     const struct policy_state *state, uint64_t epoch, const struct statx *status,
                     struct node **ret_node)
{
    return enter_new(table, directory, name, state, epoch, status, 0, ret_node);
}

int node_table_enter_nameless(struct node_table *table, struct node *directory,
                              struct str_view name, const struct policy_state *state,
                              uint64_t epoch, const struct statx *status, struct node **ret_node)
{
    struct node *node = NULL;
    int r = -EAGAIN;

    node_shape_lock(table);
    if (table->epoch == epoch) {
        r = node_new(table, status, &node);
    }
    if (r == 0) {
        node->orphan = dentry_alloc(directory, name, node, state);
        if (node->orphan == NULL) {
            r = -ENOMEM;
            node_drop_if_unneeded(table, node);
        } else {
            atomic_fetch_add(&node->pins, 1);
            atomic_fetch_add(&node->lookups, 1);
            *ret_node = node;
        }
    }
    node_shape_unlock(table);
    return r;
}

void node_table_forget(struct node_table *table, uint64_t id, uint64_t count)
{
    struct node *node;
    uint64_t before = 0;

    pthread_rwlock_rdlock(&table->lock);
    node = node_index_find_number(table, id);
    if (node != NULL) {
        before = atomic_load(&node->lookups);
        /* More than we gave is a lie or a bug of the kernel's: it is not followed below zero. */
        while (!atomic_compare_exchange_weak(&node->lookups, &before,
                                             before > count ? before - count : 0)) {
        }
    }
    pthread_rwlock_unlock(&table->lock);
    if (node == NULL || before > count) {
        return;
    }
    node_shape_lock(table);
    node = node_index_find_number(table, id);
    if (node != NULL) {
        node_drop_if_unneeded(table, node);
    }
    node_shape_unlock(table);
}

void node_table_each(struct node_table *table, void (*visit)(void *context, struct node *node),
                     void *context)
{
    for (uint32_t slot = 0;; slot++) {
        struct node *node;
        bool more;

        pthread_rwlock_rdlock(&table->lock);
        more = slot < table->slots_used;
        node = node_index_at(table, slot); /* NULL past the last */
        if (node != NULL && atomic_load(&node->lookups) > 0) {
            node_pin(node);
        } else {
            node = NULL;
        }
        pthread_rwlock_unlock(&table->lock);
        if (node != NULL) {
            visit(context, node);
            node_table_unpin(table, node);
        }
        if (!more) {
            return;
        }
    }
}
