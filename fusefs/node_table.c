#include "fusefs/node_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/descriptor_cache.h"
#include "fusefs/node_index.h"

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

/* ---- nodes ---------------------------------------------------------------------------------- */

static int node_new(struct node_table *table, const struct statx *status, struct node **ret_node)
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

static bool node_is_needed(const struct node *node)
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

static void node_drop_if_unneeded(struct node_table *table, struct node *node);

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

/* The name goes; its node is the caller's to look after. */
static void dentry_free(struct node_table *table, struct dentry *dentry)
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

static void node_drop_if_unneeded(struct node_table *table, struct node *node)
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

static void lock_shape(struct node_table *table)
{
    pthread_rwlock_wrlock(&table->lock);
}

/* Closing a directory's last descriptor may take long (a deleted tree): not under the lock. */
static void unlock_shape(struct node_table *table)
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

static struct dentry *dentry_alloc(struct node *directory, struct str_view name, struct node *node,
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

static struct dentry *dentry_new(struct node_table *table, struct node *directory,
                                 struct str_view name, struct node *node,
                                 const struct policy_state *state)
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

/* A name stands for nothing, or for something else, from now on. */
static void name_clear(struct node_table *table, struct node *directory, struct str_view name)
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

/* ---- the table ------------------------------------------------------------------------------ */

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
    lock_shape(table);
    node = node_index_find_number(table, id);
    if (node != NULL) {
        node_drop_if_unneeded(table, node);
    }
    unlock_shape(table);
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

    lock_shape(table);
    if (table->epoch != epoch) {
        unlock_shape(table);
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
                name_clear(table, directory, name);
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
    unlock_shape(table);
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

    lock_shape(table);
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
    unlock_shape(table);
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
    lock_shape(table);
    node = node_index_find_number(table, id);
    if (node != NULL) {
        node_drop_if_unneeded(table, node);
    }
    unlock_shape(table);
}

/* ---- names ---------------------------------------------------------------------------------- */

void node_table_remove_name(struct node_table *table, struct node *directory, struct str_view name)
{
    lock_shape(table);
    name_clear(table, directory, name);
    unlock_shape(table);
}

/* Takes the dentry out of its place and gives its node the new one. */
static void name_put(struct node_table *table, struct node *node, struct node *directory,
                     struct str_view name, const struct policy_state *state)
{
    name_clear(table, directory, name);
    /* Without memory the name is unknown until the next lookup: the kernel's own dentry stays. */
    (void)dentry_new(table, directory, name, node, state);
}

/*
 * What a name is given that took its place while another policy came: its own state is of the one
 * that went, and may not outlive it. Any state of today's stands in until all are renewed, the
 * moved directory's contents too.
 */
static const struct policy_state *state_now(const struct node_table *table,
                                            const struct policy_state *state, uint64_t epoch)
{
    return table->epoch == epoch ? state : table->root_state;
}

void node_table_move_name(struct node_table *table, struct node *old_directory,
                          struct str_view old_name, struct node *new_directory,
                          struct str_view new_name, const struct policy_state *state,
                          uint64_t epoch)
{
    struct dentry *dentry;

    lock_shape(table);
    dentry = node_index_find_name(table, old_directory, old_name);
    if (dentry != NULL) {
        struct node *node = dentry->node;

        atomic_fetch_add(&node->pins, 1);
        dentry_free(table, dentry);
        name_put(table, node, new_directory, new_name, state_now(table, state, epoch));
        atomic_fetch_sub(&node->pins, 1);
        node_drop_if_unneeded(table, node);
        if (table->epoch != epoch) {
            node_table_renew_states(table);
        }
    } else {
        name_clear(table, new_directory, new_name);
    }
    unlock_shape(table);
}

void node_table_exchange_names(struct node_table *table, struct node *a_directory,
                               struct str_view a_name, const struct policy_state *a_state,
                               struct node *b_directory, struct str_view b_name,
                               const struct policy_state *b_state, uint64_t epoch)
{
    struct dentry *a_dentry;
    struct dentry *b_dentry;
    struct node *a = NULL;
    struct node *b = NULL;

    lock_shape(table);
    a_dentry = node_index_find_name(table, a_directory, a_name);
    b_dentry = node_index_find_name(table, b_directory, b_name);
    if (a_dentry != NULL) {
        a = node_pin(a_dentry->node);
        dentry_free(table, a_dentry);
    }
    if (b_dentry != NULL) {
        b = node_pin(b_dentry->node);
        dentry_free(table, b_dentry);
    }
    if (a != NULL) {
        name_put(table, a, b_directory, b_name, state_now(table, b_state, epoch));
    }
    if (b != NULL) {
        name_put(table, b, a_directory, a_name, state_now(table, a_state, epoch));
    }
    if (table->epoch != epoch) {
        node_table_renew_states(table);
    }
    if (a != NULL) {
        atomic_fetch_sub(&a->pins, 1);
        node_drop_if_unneeded(table, a);
    }
    if (b != NULL && b != a) {
        atomic_fetch_sub(&b->pins, 1);
        node_drop_if_unneeded(table, b);
    }
    unlock_shape(table);
}

unsigned int node_table_name_count(struct node_table *table, const struct node *node)
{
    unsigned int count = 0;

    pthread_rwlock_rdlock(&table->lock);
    for (const struct dentry *dentry = node->names; dentry != NULL; dentry = dentry->next_name) {
        count++;
    }
    pthread_rwlock_unlock(&table->lock);
    return count;
}

bool node_table_names_agree(struct node_table *table, const struct node *node, uint64_t epoch,
                            const struct policy_state *state)
{
    bool agree;

    pthread_rwlock_rdlock(&table->lock);
    agree = table->epoch == epoch;
    if (node->names == NULL) {
        agree =
            agree && node->orphan != NULL && policy_states_equal_here(node->orphan->state, state);
    }
    for (const struct dentry *dentry = node->names; agree && dentry != NULL;
         dentry = dentry->next_name) {
        agree = policy_states_equal_here(dentry->state, state);
    }
    pthread_rwlock_unlock(&table->lock);
    return agree;
}

mode_t node_table_type(struct node_table *table, const struct node *directory, struct str_view name)
{
    const struct dentry *dentry;
    mode_t type = 0;

    pthread_rwlock_rdlock(&table->lock);
    dentry = node_index_find_name(table, directory, name);
    if (dentry != NULL) {
        type = dentry->node->type;
    }
    pthread_rwlock_unlock(&table->lock);
    return type;
}

int node_table_name(struct node_table *table, const struct node *node, unsigned int index,
                    struct node **ret_directory, char ret_name[static 256])
{
    const struct dentry *dentry;
    int r = -ENOENT;

    pthread_rwlock_rdlock(&table->lock);
    dentry = node->names;
    while (dentry != NULL && index-- > 0) {
        dentry = dentry->next_name;
    }
    if (dentry != NULL && dentry->length < 256) {
        *ret_directory = node_pin(dentry->directory);
        memcpy(ret_name, dentry->name, (size_t)dentry->length + 1);
        r = 0;
    }
    pthread_rwlock_unlock(&table->lock);
    return r;
}

void node_table_append_path(struct node_table *table, const struct node *node, struct str_view name,
                            struct text_buffer *path)
{
    char reversed[4096];
    size_t at = sizeof(reversed);
    bool cut = false;

    pthread_rwlock_rdlock(&table->lock);
    if (name.bytes != NULL) {
        size_t length = name.length < 1024 ? name.length : 1024;

        at -= length;
        memcpy(reversed + at, name.bytes, length);
    }
    while (node != table->root) {
        const struct dentry *dentry = node->names != NULL ? node->names : node->orphan;

        if (dentry == NULL) {
            break;
        }
        if ((size_t)dentry->length + 1 > at) {
            cut = true; /* beyond PATH_MAX only the last part is kept, marked */
            break;
        }
        if (at != sizeof(reversed)) {
            reversed[--at] = '/';
        }
        at -= dentry->length;
        memcpy(reversed + at, dentry->name, dentry->length);
        node = dentry->directory;
    }
    if (node != table->root) {
        text_buffer_append_text(path, cut ? "(...)/" : "(unnamed)");
    }
    pthread_rwlock_unlock(&table->lock);
    text_buffer_append(path, (struct str_view){reversed + at, sizeof(reversed) - at});
}
