/* The policy's side of the node table: states of names, verdicts on nodes, the change of policy. */
#include "fusefs/node_index.h"
#include "fusefs/node_table.h"

const struct policy_state *node_table_directory_state(struct node_table *table,
                                                      const struct node *directory,
                                                      struct policy **ret_policy,
                                                      uint64_t *ret_epoch)
{
    const struct policy_state *state = NULL;

    pthread_rwlock_rdlock(&table->lock);
    if (directory == table->root) {
        state = policy_state_ref(table->root_state);
    } else if (directory->names != NULL) {
        state = policy_state_ref(directory->names->state);
    }
    *ret_policy = policy_ref(table->policy);
    *ret_epoch = table->epoch;
    pthread_rwlock_unlock(&table->lock);
    return state;
}

struct policy *node_table_policy(struct node_table *table, uint64_t *ret_epoch)
{
    struct policy *policy;

    pthread_rwlock_rdlock(&table->lock);
    policy = policy_ref(table->policy);
    if (ret_epoch != NULL) {
        *ret_epoch = table->epoch;
    }
    pthread_rwlock_unlock(&table->lock);
    return policy;
}

/* Keeps the stronger verdict; the first operation that has it. */
static void strengthen(struct decision *decision, enum fs_operation *operation,
                       const struct policy *policy, const struct policy_state *state,
                       unsigned int needs)
{
    for (unsigned int i = 0; i < FS_OPERATION_COUNT; i++) {
        struct decision other;

        if ((needs & 1u << i) == 0) {
            continue;
        }
        other = policy_decide_fs(policy, state, (enum fs_operation)i);
        if (*operation == FS_OPERATION_COUNT || other.verdict < decision->verdict) {
            *decision = other;
            *operation = (enum fs_operation)i;
        }
    }
}

struct decision node_table_decide(struct node_table *table, const struct node *node,
                                  unsigned int needs, enum fs_operation *ret_operation,
                                  struct policy **ret_policy)
{
    struct decision decision = {
        .verdict = VERDICT_DENY,
        .code = DENIAL_PATH_DENIED,
        .rule = RULE_BUILTIN,
        .reason = STR_VIEW_LITERAL("the object has no name in the workspace any more"),
    };
    enum fs_operation operation = FS_OPERATION_COUNT;

    pthread_rwlock_rdlock(&table->lock);
    if (node == table->root) {
        strengthen(&decision, &operation, table->policy, table->root_state, needs);
    }
    for (const struct dentry *dentry = node->names; dentry != NULL; dentry = dentry->next_name) {
        strengthen(&decision, &operation, table->policy, dentry->state, needs);
    }
    if (node->names == NULL && node->orphan != NULL) {
        strengthen(&decision, &operation, table->policy, node->orphan->state, needs);
    }
    if (ret_policy != NULL) {
        *ret_policy = policy_ref(table->policy);
    }
    pthread_rwlock_unlock(&table->lock);
    *ret_operation = operation == FS_OPERATION_COUNT ? FS_LOOKUP : operation;
    return decision;
}

static const struct dentry *dentry_above(const struct dentry *dentry)
{
    const struct node *directory = dentry->directory;

    return directory->names != NULL ? directory->names : directory->orphan;
}

/*
 * A state is made from its directory's, so each directory comes before what is in it: climb to the
 * first ancestor that is done, make that one, and again until the name itself is done.
 */
static void renew_state(struct node_table *table, struct dentry *wanted)
{
    while (wanted->state == NULL) {
        struct dentry *dentry = wanted;
        const struct policy_state *above = table->root_state;

        while (dentry->directory != table->root) {
            const struct dentry *up = dentry_above(dentry);

            above = up == NULL ? NULL : up->state;
            if (up == NULL || above != NULL) {
                break;
            }
            dentry = dentry->directory->names != NULL ? dentry->directory->names
                                                      : dentry->directory->orphan;
            above = table->root_state;
        }
        /* A directory that lost its place denies what is in it, as a path with ".." does. */
        dentry->state = above == NULL
                            ? policy_path_walk(table->policy, STR_VIEW_LITERAL(".."))
                            : policy_path_step(table->policy, above,
                                               (struct str_view){dentry->name, dentry->length});
    }
}

/* Of every dentry, orphans too. */
static void each_dentry(struct node_table *table,
                        void (*visit)(struct node_table *table, struct dentry *dentry))
{
    for (uint32_t slot = 0; slot < table->slots_used; slot++) {
        struct node *node = node_index_at(table, slot);

        if (node == NULL) {
            continue;
        }
        for (struct dentry *dentry = node->names; dentry != NULL; dentry = dentry->next_name) {
            visit(table, dentry);
        }
        if (node->orphan != NULL) {
            visit(table, node->orphan);
        }
    }
}

static void drop_state(struct node_table *table, struct dentry *dentry)
{
    (void)table;
    policy_state_unref(dentry->state);
    dentry->state = NULL;
}

void node_table_renew_states(struct node_table *table)
{
    each_dentry(table, drop_state);
    each_dentry(table, renew_state);
}

void node_table_set_policy(struct node_table *table, struct policy *policy)
{
    struct policy *old_policy;
    const struct policy_state *old_root;

    pthread_rwlock_wrlock(&table->lock);
    each_dentry(table, drop_state);
    old_policy = table->policy;
    old_root = table->root_state;
    table->policy = policy_ref(policy);
    atomic_store(&table->may_hide, policy_fs_settings(policy).may_hide);
    table->root_state = policy_path_root(policy);
    table->epoch++;
    each_dentry(table, renew_state);
    pthread_rwlock_unlock(&table->lock);
    policy_state_unref(old_root);
    policy_unref(old_policy);
}
