/* What nodes are called: names that go, move and change places, and questions about them. */
#include <errno.h>
#include <string.h>

#include "fusefs/node_index.h"
#include "fusefs/node_shape.h"

void node_table_remove_name(struct node_table *table, struct node *directory, struct str_view name)
{
    node_shape_lock(table);
    node_shape_clear_name(table, directory, name);
    node_shape_unlock(table);
}

/* Takes the dentry out of its place and gives its node the new one. */
static void name_put(struct node_table *table, struct node *node, struct node *directory,
                     struct str_view name, const struct policy_state *state)
{
    node_shape_clear_name(table, directory, name);
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

    node_shape_lock(table);
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
        node_shape_clear_name(table, new_directory, new_name);
    }
    node_shape_unlock(table);
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

    node_shape_lock(table);
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
    node_shape_unlock(table);
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
