/*
 * Theory: two states differ in some nodes of the trie. What both have contributes the same to
 * every state below, whatever the name. So only the differing nodes are walked side by side, one
 * step for each label on their edges and one for "any other name", and after each step what is
 * left of both must have endings of the same strength for every operation: then no common part
 * can make their verdicts differ.
 *
 * A name may match several globs at once. Then it leads to the union of what each label leads to,
 * and the strength of a union is the strongest of its parts: unions of equal parts are equal, so
 * that walking label by label is enough. Past the bounds the answer is no.
 */
#include "shared/policy/path_compare.h"

#include <string.h>

#define SET_MAX   24
#define PAIRS_MAX 64
#define OTHER     UINT32_MAX /* the label of a name that no edge speaks of */

struct small_set {
    uint32_t nodes[SET_MAX]; /* ascending */
    size_t count;
};

struct pair {
    struct small_set a, b;
};

struct walk {
    const struct path_trie *trie;
    struct pair pairs[PAIRS_MAX];
    size_t count;
};

static bool insert(struct small_set *set, uint32_t node)
{
    size_t at = 0;

    while (at < set->count && set->nodes[at] < node) {
        at++;
    }
    if (at < set->count && set->nodes[at] == node) {
        return true;
    }
    if (set->count == SET_MAX) {
        return false;
    }
    memmove(&set->nodes[at + 1], &set->nodes[at], (set->count - at) * sizeof(set->nodes[0]));
    set->nodes[at] = node;
    set->count++;
    return true;
}

/* With what `**` reaches without a name. */
static bool insert_closed(const struct path_trie *trie, struct small_set *set, uint32_t node)
{
    for (; node != 0; node = trie->nodes[node].deep) {
        if (!insert(set, node)) {
            return false;
        }
    }
    return true;
}

static bool step(const struct path_trie *trie, const struct small_set *set, uint32_t label,
                 struct small_set *ret_set)
{
    ret_set->count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct path_node *node = &trie->nodes[set->nodes[i]];
        uint32_t child;

        if ((node->loops && !insert(ret_set, set->nodes[i])) ||
            !insert_closed(trie, ret_set, node->any)) {
            return false;
        }
        if (label != OTHER &&
            pair_map_find(&trie->edge_of, pair_key(set->nodes[i], label), &child) &&
            !insert_closed(trie, ret_set, child)) {
            return false;
        }
    }
    return true;
}

static void remove_common(struct small_set *a, struct small_set *b)
{
    struct small_set left = {.count = 0};
    struct small_set right = {.count = 0};
    size_t i = 0;
    size_t j = 0;

    while (i < a->count || j < b->count) {
        if (j == b->count || (i < a->count && a->nodes[i] < b->nodes[j])) {
            left.nodes[left.count++] = a->nodes[i++];
        } else if (i == a->count || b->nodes[j] < a->nodes[i]) {
            right.nodes[right.count++] = b->nodes[j++];
        } else {
            i++;
            j++;
        }
    }
    *a = left;
    *b = right;
}

static void fold(const struct path_trie *trie, const struct small_set *set,
                 uint32_t winner[FS_LOOKUP], bool *ret_way_to_allow)
{
    memset(winner, 0xFF, FS_LOOKUP * sizeof(winner[0]));
    *ret_way_to_allow = false;
    for (size_t i = 0; i < set->count; i++) {
        path_trie_fold_node(trie, set->nodes[i], winner);
        *ret_way_to_allow = *ret_way_to_allow || trie->nodes[set->nodes[i]].way_to_allow;
    }
}

static bool end_alike(const struct path_trie *trie, const struct pair *pair)
{
    uint32_t a[FS_LOOKUP];
    uint32_t b[FS_LOOKUP];
    bool way_a;
    bool way_b;

    fold(trie, &pair->a, a, &way_a);
    fold(trie, &pair->b, b, &way_b);
    for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
        if (winner_strength(a[operation]) != winner_strength(b[operation])) {
            return false;
        }
    }
    return way_a == way_b;
}

static bool sets_equal(const struct small_set *a, const struct small_set *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->nodes, b->nodes, a->count * sizeof(a->nodes[0])) == 0);
}

/* Queues a pair that was not seen yet. */
static bool add_pair(struct walk *walk, const struct pair *pair)
{
    for (size_t i = 0; i < walk->count; i++) {
        if (sets_equal(&walk->pairs[i].a, &pair->a) && sets_equal(&walk->pairs[i].b, &pair->b)) {
            return true;
        }
    }
    if (walk->count == PAIRS_MAX) {
        return false;
    }
    walk->pairs[walk->count++] = *pair;
    return true;
}

static bool step_pair(struct walk *walk, const struct pair *from, uint32_t label)
{
    struct pair next;

    if (!step(walk->trie, &from->a, label, &next.a) ||
        !step(walk->trie, &from->b, label, &next.b)) {
        return false;
    }
    remove_common(&next.a, &next.b);
    if (!end_alike(walk->trie, &next)) {
        return false;
    }
    return (next.a.count == 0 && next.b.count == 0) || add_pair(walk, &next);
}

static bool step_labels(struct walk *walk, const struct pair *from, const struct small_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        for (uint32_t edge = walk->trie->nodes[set->nodes[i]].edges; edge != 0;
             edge = walk->trie->edges[edge - 1].next) {
            if (!step_pair(walk, from, walk->trie->edges[edge - 1].label)) {
                return false;
            }
        }
    }
    return true;
}

static bool take_lasting(struct small_set *set, const struct policy_state *state)
{
    set->count = 0;
    for (size_t i = 0; i < state->lasting_count; i++) {
        if (!insert(set, state->nodes[i])) {
            return false;
        }
    }
    return true;
}

bool policy_states_lead_alike(const struct path_trie *trie, const struct policy_state *a,
                              const struct policy_state *b)
{
    struct walk walk = {.trie = trie};
    struct pair first;

    if (a == b) {
        return true;
    }
    if (a == policy_state_deny_all() || b == policy_state_deny_all()) {
        return false;
    }
    if (a->lasting_count == b->lasting_count &&
        (a->lasting_count == 0 ||
         memcmp(a->nodes, b->nodes, a->lasting_count * sizeof(a->nodes[0])) == 0)) {
        return true;
    }
    if (!take_lasting(&first.a, a) || !take_lasting(&first.b, b)) {
        return false;
    }
    remove_common(&first.a, &first.b);
    if (!add_pair(&walk, &first)) {
        return false;
    }
    for (size_t i = 0; i < walk.count; i++) {
        struct pair from = walk.pairs[i];

        if (!step_pair(&walk, &from, OTHER) || !step_labels(&walk, &from, &from.a) ||
            !step_labels(&walk, &from, &from.b)) {
            return false;
        }
    }
    return true;
}

/* Every operation on every name below is allowed by a pattern that ends in **. */
static bool opens_all_below(const struct path_trie *trie, struct path_defaults defaults,
                            const struct policy_state *state)
{
    for (size_t i = 0; i < state->lasting_count; i++) {
        const struct path_node *node = &trie->nodes[state->nodes[i]];
        uint32_t here = node->loops && node->any != 0 ? trie->nodes[node->any].here : 0;
        unsigned int allowed = 0;

        for (unsigned int operation = 0; here != 0 && operation < FS_LOOKUP; operation++) {
            uint32_t winner = trie->endings[here - 1].winner[operation];

            allowed += winner != NO_RULE && winner >> RULE_BITS == ALLOW ? 1 : 0;
        }
        if (allowed == FS_LOOKUP) {
            return true;
        }
    }
    return defaults.otherwise == VERDICT_ALLOW;
}

bool policy_state_is_open_below(const struct path_trie *trie, struct path_defaults defaults,
                                const struct policy_state *state)
{
    if (state == policy_state_deny_all()) {
        return false;
    }
    for (size_t i = 0; i < state->node_count; i++) {
        if (trie->nodes[state->nodes[i]].restricts) {
            return false;
        }
    }
    for (unsigned int operation = 0; operation < FS_OPERATION_COUNT; operation++) {
        if (state->verdict[operation] != VERDICT_ALLOW) {
            return false;
        }
    }
    return opens_all_below(trie, defaults, state);
}
