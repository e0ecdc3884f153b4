#include "shared/policy/path_trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/path_pattern.h"

static int add_node(struct path_trie *trie, uint32_t *ret_node)
{
    struct path_node *grown = arena_grow(&trie->arena, trie->nodes, trie->node_count,
                                         &trie->node_capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    trie->nodes = grown;
    grown[trie->node_count] = (struct path_node){0};
    *ret_node = (uint32_t)trie->node_count++;
    return 0;
}

static int named_child(struct path_trie *trie, uint32_t node, uint32_t label, uint32_t *ret_child)
{
    struct path_edge *grown;
    int error;

    if (pair_map_find(&trie->edge_of, pair_key(node, label), ret_child)) {
        return 0;
    }
    grown = arena_grow(&trie->arena, trie->edges, trie->edge_count, &trie->edge_capacity,
                       sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    trie->edges = grown;
    error = add_node(trie, ret_child);
    if (error < 0) {
        return error;
    }
    grown[trie->edge_count++] =
        (struct path_edge){.label = label, .child = *ret_child, .next = trie->nodes[node].edges};
    trie->nodes[node].edges = (uint32_t)trie->edge_count;
    return pair_map_set(&trie->edge_of, pair_key(node, label), *ret_child);
}

static int child_of(struct path_trie *trie, uint32_t node, const struct path_component *component,
                    uint32_t *ret_child)
{
    struct str_view kept;
    uint32_t number;
    int error;

    switch (component->kind) {
    case PATH_DEEP:
        if (trie->nodes[node].loops) {
            *ret_child = node;
            return 0;
        }
        *ret_child = trie->nodes[node].deep;
        if (*ret_child == 0) {
            error = add_node(trie, ret_child);
            if (error < 0) {
                return error;
            }
            trie->nodes[*ret_child].loops = true;
            trie->nodes[node].deep = *ret_child;
        }
        return 0;
    case PATH_ANY:
        *ret_child = trie->nodes[node].any;
        if (*ret_child == 0) {
            error = add_node(trie, ret_child);
            if (error < 0) {
                return error;
            }
            trie->nodes[node].any = *ret_child;
        }
        return 0;
    case PATH_LITERAL:
    case PATH_GLOB:
        kept = arena_copy(&trie->arena, component->text);
        if (kept.bytes == NULL) {
            return -ENOMEM;
        }
        error = component->kind == PATH_LITERAL
                    ? name_classes_add_literal(trie->names, kept, &number)
                    : name_classes_add_glob(trie->names, kept, &number);
        if (error < 0) {
            return error;
        }
        return named_child(trie, node, number * 2 + (component->kind == PATH_GLOB ? 1 : 0),
                           ret_child);
    }
    return -EINVAL;
}

static int ending_of(struct path_trie *trie, uint32_t *slot)
{
    struct ending *grown;

    if (*slot != 0) {
        return 0;
    }
    grown = arena_grow(&trie->arena, trie->endings, trie->ending_count, &trie->ending_capacity,
                       sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    trie->endings = grown;
    memset(&grown[trie->ending_count], 0xFF, sizeof(*grown));
    *slot = (uint32_t)++trie->ending_count;
    return 0;
}

static enum strength strength_of(const struct path_rule *rule)
{
    switch (rule->action) {
    case VERDICT_DENY:
        return rule->enforced ? ENFORCED_DENY : DENY;
    case VERDICT_HIDE:
        return rule->enforced ? ENFORCED_HIDE : HIDE;
    case VERDICT_LOG:
        return LOG;
    case VERDICT_ALLOW:
        return ALLOW;
    }
    return ENFORCED_DENY;
}

static void add_winner(struct ending *ending, const struct path_rule *rule, unsigned int operations)
{
    uint32_t rank = (uint32_t)strength_of(rule) << RULE_BITS | rule->rule;

    for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
        if ((operations >> operation & 1) != 0 && rank < ending->winner[operation]) {
            ending->winner[operation] = rank;
        }
    }
}

struct pattern_target {
    struct path_trie *trie;
    const struct path_rule *rule;
};

static int end_here(struct path_trie *trie, uint32_t node, const struct path_rule *rule)
{
    int error = ending_of(trie, &trie->nodes[node].here);

    if (error == 0) {
        add_winner(&trie->endings[trie->nodes[node].here - 1], rule, rule->operations);
    }
    return error;
}

/* dir/ ** covers the listing of dir, and every name below it. */
static int end_below(struct path_trie *trie, uint32_t node, uint32_t deep,
                     const struct path_rule *rule)
{
    static const struct path_component any = {.kind = PATH_ANY};
    uint32_t child;
    int error = ending_of(trie, &trie->nodes[node].listing);

    if (error == 0) {
        add_winner(&trie->endings[trie->nodes[node].listing - 1], rule,
                   rule->operations & 1U << FS_LIST);
        error = child_of(trie, deep, &any, &child);
    }
    return error < 0 ? error : end_here(trie, child, rule);
}

static int add_pattern(void *context, const struct path_component *components, size_t count)
{
    const struct pattern_target *target = context;
    struct path_trie *trie = target->trie;
    bool permits = target->rule->action == VERDICT_ALLOW || target->rule->action == VERDICT_LOG;
    bool literal_so_far = true;
    uint32_t before = 0;
    uint32_t node = 0;

    for (size_t i = 0; i < count; i++) {
        int error;

        if (permits && literal_so_far) {
            trie->nodes[node].way_to_allow = true;
        }
        literal_so_far = literal_so_far && components[i].kind == PATH_LITERAL;
        /* ** ** is one: the listing belongs to the node before the first. */
        before = trie->nodes[node].loops && components[i].kind == PATH_DEEP ? before : node;
        error = child_of(trie, node, &components[i], &node);
        if (error < 0) {
            return error;
        }
    }
    return components[count - 1].kind == PATH_DEEP ? end_below(trie, before, node, target->rule)
                                                   : end_here(trie, node, target->rule);
}

static bool ending_restricts(const struct path_trie *trie, uint32_t ending)
{
    for (unsigned int operation = 0; ending != 0 && operation < FS_LOOKUP; operation++) {
        uint32_t winner = trie->endings[ending - 1].winner[operation];

        if (winner != NO_RULE && winner >> RULE_BITS != ALLOW) {
            return true;
        }
    }
    return false;
}

/* Children are made after their parents: one pass backwards carries the flag up. */
static int find_restrictions(struct path_trie *trie)
{
    uint32_t *parent = calloc(trie->node_count, sizeof(*parent));

    if (parent == NULL) {
        return -ENOMEM;
    }
    for (uint32_t node = 0; node < trie->node_count; node++) {
        for (uint32_t edge = trie->nodes[node].edges; edge != 0;
             edge = trie->edges[edge - 1].next) {
            parent[trie->edges[edge - 1].child] = node;
        }
        parent[trie->nodes[node].deep] = node;
        parent[trie->nodes[node].any] = node;
    }
    for (size_t node = trie->node_count; node-- > 0;) {
        struct path_node *at = &trie->nodes[node];

        at->restricts = at->restricts || ending_restricts(trie, at->here) ||
                        ending_restricts(trie, at->listing);
        if (node > 0 && at->restricts) {
            trie->nodes[parent[node]].restricts = true;
        }
    }
    free(parent);
    return 0;
}

int path_trie_build(struct path_trie *trie, const struct path_section *section)
{
    struct path_pattern_problem problem;
    uint32_t root;
    int error;

    trie->names = name_classes_new();
    error = trie->names == NULL ? -ENOMEM : add_node(trie, &root);
    for (size_t i = 0; error == 0 && i < section->rule_count; i++) {
        struct pattern_target target = {.trie = trie, .rule = &section->rules[i]};

        for (size_t p = 0; error == 0 && p < section->rules[i].pattern_count; p++) {
            error =
                path_pattern_expand(section->rules[i].patterns[p], add_pattern, &target, &problem);
        }
    }
    if (error == 0) {
        error = find_restrictions(trie);
    }
    return error < 0 ? error : name_classes_finish(trie->names);
}

void path_trie_clear(struct path_trie *trie)
{
    name_classes_free(trie->names);
    pair_map_clear(&trie->edge_of);
    arena_clear(&trie->arena);
}

static void fold(const struct path_trie *trie, uint32_t ending, uint32_t winner[FS_LOOKUP])
{
    for (unsigned int operation = 0; ending != 0 && operation < FS_LOOKUP; operation++) {
        uint32_t candidate = trie->endings[ending - 1].winner[operation];

        winner[operation] = candidate < winner[operation] ? candidate : winner[operation];
    }
}

void path_trie_fold_node(const struct path_trie *trie, uint32_t node, uint32_t winner[FS_LOOKUP])
{
    fold(trie, trie->nodes[node].here, winner);
    fold(trie, trie->nodes[node].listing, winner);
}
