#include "shared/policy/path_automaton.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/arena.h"
#include "shared/policy/name_classes.h"
#include "shared/policy/pair_map.h"
#include "shared/policy/path_pattern.h"

/* How strong a rule is: the smaller wins. Its low bits are the rule, so that ties are settled. */
#define RULE_BITS 24
#define NO_RULE   UINT32_MAX
enum strength { ENFORCED_DENY = 0, DENY, ENFORCED_HIDE, HIDE, LOG, ALLOW };

/* What ends at a trie node: the strongest rule of each operation, NO_RULE where none speaks. */
struct ending {
    uint32_t winner[FS_LOOKUP];
};

struct path_node {
    uint32_t deep;       /* the child behind `**`; 0: none */
    uint32_t any;        /* the child behind `*`; 0: none */
    uint32_t here;       /* ending + 1 of patterns that end here */
    uint32_t listing;    /* ending + 1 of dir/ ** patterns: only its list operation counts */
    bool loops;          /* a `**` node stays on any name */
    bool named_children; /* behind literals or globs */
    bool way_to_allow;   /* a literal ancestor of an allow or log pattern */
    bool restricts;      /* a deny, hide or log rule ends here or below */
};

struct policy_state {
    _Atomic unsigned int references; /* 0: interned, lives with its policy */
    uint32_t index;                  /* of an interned one */
    uint8_t verdict[FS_OPERATION_COUNT];
    uint32_t rule[FS_OPERATION_COUNT];
    uint32_t node_count;
    uint32_t lasting_count; /* nodes that matter below, first in .nodes */
    uint32_t nodes[];       /* ascending in each of the two parts */
};

struct path_automaton {
    enum verdict otherwise;
    bool log_violations;
    size_t state_cap;

    struct arena arena; /* built once */
    struct path_node *nodes;
    size_t node_count, node_capacity;
    struct ending *endings;
    size_t ending_count, ending_capacity;
    struct pair_map edges; /* (node, literal * 2 or glob * 2 + 1) -> child */
    struct name_classes *names;

    pthread_mutex_t lock; /* over all below, but for what is read atomically */
    struct arena cache;
    _Atomic(struct policy_state *) *states;
    size_t state_count;
    struct text_map state_of; /* set of nodes -> index */
    struct pair_cache transitions;
    uint32_t *scratch; /* node_count */
    uint32_t *stamps;
    uint32_t stamp;
};

static const struct policy_state deny_all = {
    .references = 0,
    .index = UINT32_MAX,
    .verdict = {VERDICT_DENY}, /* and so the rest: deny is zero */
    .rule =
        {
#define DENY_ALL_RULE(name, word, meaning) UINT32_MAX - 1,
            FS_OPERATION_TABLE(DENY_ALL_RULE) UINT32_MAX - 1 /* lookup */
#undef DENY_ALL_RULE
        },
};

const struct policy_state *policy_state_deny_all(void)
{
    return &deny_all;
}

/* ---- building --------------------------------------------------------------------------- */

static int add_node(struct path_automaton *automaton, uint32_t *ret_node)
{
    struct path_node *grown = arena_grow(&automaton->arena, automaton->nodes, automaton->node_count,
                                         &automaton->node_capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    automaton->nodes = grown;
    grown[automaton->node_count] = (struct path_node){0};
    *ret_node = (uint32_t)automaton->node_count++;
    return 0;
}

static int named_child(struct path_automaton *automaton, uint32_t node, uint32_t label,
                       uint32_t *ret_child)
{
    int error;

    if (pair_map_find(&automaton->edges, pair_key(node, label), ret_child)) {
        return 0;
    }
    error = add_node(automaton, ret_child);
    if (error < 0) {
        return error;
    }
    automaton->nodes[node].named_children = true;
    return pair_map_set(&automaton->edges, pair_key(node, label), *ret_child);
}

static int child_of(struct path_automaton *automaton, uint32_t node,
                    const struct path_component *component, uint32_t *ret_child)
{
    struct str_view kept;
    uint32_t number;
    int error;

    switch (component->kind) {
    case PATH_DEEP:
        if (automaton->nodes[node].loops) {
            *ret_child = node;
            return 0;
        }
        *ret_child = automaton->nodes[node].deep;
        if (*ret_child == 0) {
            error = add_node(automaton, ret_child);
            if (error < 0) {
                return error;
            }
            automaton->nodes[*ret_child].loops = true;
            automaton->nodes[node].deep = *ret_child;
        }
        return 0;
    case PATH_ANY:
        *ret_child = automaton->nodes[node].any;
        if (*ret_child == 0) {
            error = add_node(automaton, ret_child);
            if (error < 0) {
                return error;
            }
            automaton->nodes[node].any = *ret_child;
        }
        return 0;
    case PATH_LITERAL:
    case PATH_GLOB:
        kept = arena_copy(&automaton->arena, component->text);
        if (kept.bytes == NULL) {
            return -ENOMEM;
        }
        error = component->kind == PATH_LITERAL
                    ? name_classes_add_literal(automaton->names, kept, &number)
                    : name_classes_add_glob(automaton->names, kept, &number);
        if (error < 0) {
            return error;
        }
        return named_child(automaton, node, number * 2 + (component->kind == PATH_GLOB ? 1 : 0),
                           ret_child);
    }
    return -EINVAL;
}

static int ending_of(struct path_automaton *automaton, uint32_t *slot)
{
    struct ending *grown;

    if (*slot != 0) {
        return 0;
    }
    grown = arena_grow(&automaton->arena, automaton->endings, automaton->ending_count,
                       &automaton->ending_capacity, sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    automaton->endings = grown;
    memset(&grown[automaton->ending_count], 0xFF, sizeof(*grown));
    *slot = (uint32_t)++automaton->ending_count;
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
    struct path_automaton *automaton;
    const struct path_rule *rule;
};

static int end_here(struct path_automaton *automaton, uint32_t node, const struct path_rule *rule)
{
    int error = ending_of(automaton, &automaton->nodes[node].here);

    if (error == 0) {
        add_winner(&automaton->endings[automaton->nodes[node].here - 1], rule, rule->operations);
    }
    return error;
}

/* dir/ ** covers the listing of dir, and every name below it. */
static int end_below(struct path_automaton *automaton, uint32_t node, uint32_t deep,
                     const struct path_rule *rule)
{
    static const struct path_component any = {.kind = PATH_ANY};
    uint32_t child;
    int error = ending_of(automaton, &automaton->nodes[node].listing);

    if (error == 0) {
        add_winner(&automaton->endings[automaton->nodes[node].listing - 1], rule,
                   rule->operations & 1U << FS_LIST);
        error = child_of(automaton, deep, &any, &child);
    }
    return error < 0 ? error : end_here(automaton, child, rule);
}

static int add_pattern(void *context, const struct path_component *components, size_t count)
{
    const struct pattern_target *target = context;
    struct path_automaton *automaton = target->automaton;
    bool permits = target->rule->action == VERDICT_ALLOW || target->rule->action == VERDICT_LOG;
    bool literal_so_far = true;
    uint32_t before = 0;
    uint32_t node = 0;

    for (size_t i = 0; i < count; i++) {
        int error;

        if (permits && literal_so_far) {
            automaton->nodes[node].way_to_allow = true;
        }
        literal_so_far = literal_so_far && components[i].kind == PATH_LITERAL;
        /* ** ** is one: the listing belongs to the node before the first. */
        before = automaton->nodes[node].loops && components[i].kind == PATH_DEEP ? before : node;
        error = child_of(automaton, node, &components[i], &node);
        if (error < 0) {
            return error;
        }
    }
    return components[count - 1].kind == PATH_DEEP
               ? end_below(automaton, before, node, target->rule)
               : end_here(automaton, node, target->rule);
}

static bool ending_restricts(const struct path_automaton *automaton, uint32_t ending)
{
    for (unsigned int operation = 0; ending != 0 && operation < FS_LOOKUP; operation++) {
        uint32_t winner = automaton->endings[ending - 1].winner[operation];

        if (winner != NO_RULE && winner >> RULE_BITS != ALLOW) {
            return true;
        }
    }
    return false;
}

/* Children are made after their parents: one pass backwards carries the flag up. */
static int find_restrictions(struct path_automaton *automaton)
{
    uint32_t *parent = calloc(automaton->node_count, sizeof(*parent));

    if (parent == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < automaton->edges.capacity; i++) {
        if (automaton->edges.entries[i].used) {
            parent[automaton->edges.entries[i].value] =
                (uint32_t)(automaton->edges.entries[i].key >> 32);
        }
    }
    for (uint32_t node = 0; node < automaton->node_count; node++) {
        parent[automaton->nodes[node].deep] = node;
        parent[automaton->nodes[node].any] = node;
    }
    for (size_t node = automaton->node_count; node-- > 0;) {
        struct path_node *at = &automaton->nodes[node];

        at->restricts = at->restricts || ending_restricts(automaton, at->here) ||
                        ending_restricts(automaton, at->listing);
        if (node > 0 && at->restricts) {
            automaton->nodes[parent[node]].restricts = true;
        }
    }
    free(parent);
    return 0;
}

/* ---- states ----------------------------------------------------------------------------- */

static void add_to_set(struct path_automaton *automaton, size_t *count, uint32_t node)
{
    for (;;) {
        if (automaton->stamps[node] == automaton->stamp) {
            return;
        }
        automaton->stamps[node] = automaton->stamp;
        automaton->scratch[(*count)++] = node;
        if (automaton->nodes[node].deep == 0) {
            return;
        }
        node = automaton->nodes[node].deep;
    }
}

static void begin_set(struct path_automaton *automaton)
{
    if (++automaton->stamp == 0) {
        memset(automaton->stamps, 0, automaton->node_count * sizeof(*automaton->stamps));
        automaton->stamp = 1;
    }
}

static void fold(uint32_t winner[FS_LOOKUP], const struct path_automaton *automaton,
                 uint32_t ending)
{
    for (unsigned int operation = 0; ending != 0 && operation < FS_LOOKUP; operation++) {
        uint32_t candidate = automaton->endings[ending - 1].winner[operation];

        winner[operation] = candidate < winner[operation] ? candidate : winner[operation];
    }
}

static enum verdict verdict_of(const struct path_automaton *automaton, uint32_t winner)
{
    static const enum verdict verdicts[] = {
        [ENFORCED_DENY] = VERDICT_DENY, [DENY] = VERDICT_DENY, [ENFORCED_HIDE] = VERDICT_HIDE,
        [HIDE] = VERDICT_HIDE,          [LOG] = VERDICT_LOG,   [ALLOW] = VERDICT_ALLOW,
    };

    return winner == NO_RULE ? automaton->otherwise : verdicts[winner >> RULE_BITS];
}

static uint32_t rule_of(uint32_t winner)
{
    return winner == NO_RULE ? NO_RULE : winner & ((1U << RULE_BITS) - 1);
}

static bool is_softened(const struct path_automaton *automaton, uint32_t winner)
{
    return automaton->log_violations &&
           (winner == NO_RULE || winner >> RULE_BITS == DENY || winner >> RULE_BITS == HIDE);
}

/*
 * A name may be looked up when anything at all may be done with it, or when it leads to an
 * allowed pattern and is not itself shut by rules. A hidden name is hidden from looks as well,
 * also where a deny rule takes the other operations: EACCES would tell that it is there.
 */
static void decide_lookup(struct policy_state *state, const struct path_automaton *automaton,
                          const uint32_t winner[FS_LOOKUP], bool way_to_allow)
{
    uint32_t strongest = NO_RULE;
    bool undecided = false;

    for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
        enum verdict verdict = verdict_of(automaton, winner[operation]);
        bool hides = verdict == VERDICT_HIDE;
        bool hidden = strongest != NO_RULE && verdict_of(automaton, strongest) == VERDICT_HIDE;

        if (verdict == VERDICT_ALLOW || verdict == VERDICT_LOG) {
            state->verdict[FS_LOOKUP] = VERDICT_ALLOW;
            state->rule[FS_LOOKUP] = rule_of(winner[operation]);
            return;
        }
        undecided = undecided || winner[operation] == NO_RULE;
        if (winner[operation] != NO_RULE &&
            (hides != hidden ? hides : winner[operation] < strongest)) {
            strongest = winner[operation];
        }
    }
    if (way_to_allow && undecided) {
        state->verdict[FS_LOOKUP] = VERDICT_ALLOW;
        state->rule[FS_LOOKUP] = NO_RULE;
        return;
    }
    /* A deny rule shuts a name only where rules shut all of it; else it was the default. */
    if (undecided && strongest != NO_RULE && verdict_of(automaton, strongest) == VERDICT_DENY) {
        strongest = NO_RULE;
    }
    state->verdict[FS_LOOKUP] =
        (uint8_t)(is_softened(automaton, strongest) ? VERDICT_LOG
                                                    : verdict_of(automaton, strongest));
    state->rule[FS_LOOKUP] = rule_of(strongest);
}

static void fill_table(struct policy_state *state, const struct path_automaton *automaton)
{
    uint32_t winner[FS_LOOKUP];
    bool way_to_allow = false;

    memset(winner, 0xFF, sizeof(winner));
    for (size_t i = 0; i < state->node_count; i++) {
        const struct path_node *node = &automaton->nodes[state->nodes[i]];

        fold(winner, automaton, node->here);
        fold(winner, automaton, node->listing);
        way_to_allow = way_to_allow || node->way_to_allow;
    }
    decide_lookup(state, automaton, winner, way_to_allow);
    for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
        enum verdict verdict = verdict_of(automaton, winner[operation]);

        if ((verdict == VERDICT_DENY || verdict == VERDICT_HIDE) &&
            is_softened(automaton, winner[operation])) {
            verdict = VERDICT_LOG;
        }
        state->verdict[operation] = (uint8_t)verdict;
        state->rule[operation] = rule_of(winner[operation]);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* Sorts scratch into nodes that matter below and nodes that only end here. */
static size_t sort_set(struct path_automaton *automaton, size_t count)
{
    uint32_t *set = automaton->scratch;
    size_t lasting = 0;

    for (size_t i = 0; i < count; i++) {
        const struct path_node *node = &automaton->nodes[set[i]];

        /* Behind `**` stands a node of its own, which is in the set as well. */
        if (node->loops || node->any != 0 || node->named_children) {
            uint32_t moved = set[lasting];

            set[lasting++] = set[i];
            set[i] = moved;
        }
    }
    if (lasting > 1) {
        qsort(set, lasting, sizeof(*set), compare_numbers);
    }
    if (count - lasting > 1) {
        qsort(set + lasting, count - lasting, sizeof(*set), compare_numbers);
    }
    return lasting;
}

static void fill_state(struct policy_state *state, const struct path_automaton *automaton,
                       size_t count, size_t lasting)
{
    state->node_count = (uint32_t)count;
    state->lasting_count = (uint32_t)lasting;
    if (count > 0) {
        memcpy(state->nodes, automaton->scratch, count * sizeof(state->nodes[0]));
    }
    fill_table(state, automaton);
}

/* The state of the set in scratch: interned, or made for its holder at the cap. */
static struct policy_state *state_of_set(struct path_automaton *automaton, size_t count)
{
    size_t lasting = sort_set(automaton, count);
    struct str_view key = {.bytes = (const char *)automaton->scratch,
                           .length = count * sizeof(automaton->scratch[0])};
    size_t size = sizeof(struct policy_state) + key.length;
    struct policy_state *state = NULL;
    uint32_t index;

    if (text_map_find(&automaton->state_of, key, &index)) {
        return atomic_load_explicit(&automaton->states[index], memory_order_relaxed);
    }
    if (automaton->state_count < automaton->state_cap) {
        state = arena_alloc(&automaton->cache, size);
    }
    if (state != NULL) {
        fill_state(state, automaton, count, lasting);
        state->index = (uint32_t)automaton->state_count;
        key.bytes = (const char *)state->nodes;
        if (text_map_add(&automaton->state_of, key, state->index) == 0) {
            atomic_store_explicit(&automaton->states[state->index], state, memory_order_release);
            automaton->state_count++;
            return state;
        }
    }
    state = calloc(1, size);
    if (state == NULL) {
        return NULL;
    }
    fill_state(state, automaton, count, lasting);
    state->index = UINT32_MAX;
    atomic_store_explicit(&state->references, 1, memory_order_relaxed);
    return state;
}

static size_t step_set(struct path_automaton *automaton, const struct policy_state *state,
                       const struct name_match *match)
{
    size_t count = 0;

    begin_set(automaton);
    for (size_t i = 0; i < state->lasting_count; i++) {
        uint32_t at = state->nodes[i];
        const struct path_node *node = &automaton->nodes[at];
        uint32_t child;

        if (node->loops) {
            add_to_set(automaton, &count, at);
        }
        if (node->any != 0) {
            add_to_set(automaton, &count, node->any);
        }
        if (!node->named_children) {
            continue;
        }
        if (match->literal != LITERAL_NONE &&
            pair_map_find(&automaton->edges, pair_key(at, match->literal * 2), &child)) {
            add_to_set(automaton, &count, child);
        }
        for (size_t g = 0; g < match->glob_count; g++) {
            if (pair_map_find(&automaton->edges, pair_key(at, match->globs[g] * 2 + 1), &child)) {
                add_to_set(automaton, &count, child);
            }
        }
    }
    return count;
}

/* ---- the face --------------------------------------------------------------------------- */

static int build(struct path_automaton *automaton, const struct path_section *section)
{
    struct path_pattern_problem problem;
    uint32_t root;
    size_t count = 0;
    int error = add_node(automaton, &root);

    for (size_t i = 0; error == 0 && i < section->rule_count; i++) {
        struct pattern_target target = {.automaton = automaton, .rule = &section->rules[i]};

        for (size_t p = 0; error == 0 && p < section->rules[i].pattern_count; p++) {
            error =
                path_pattern_expand(section->rules[i].patterns[p], add_pattern, &target, &problem);
        }
    }
    if (error == 0) {
        error = find_restrictions(automaton);
    }
    if (error == 0) {
        error = name_classes_finish(automaton->names);
    }
    if (error < 0) {
        return error;
    }
    automaton->scratch = calloc(automaton->node_count, sizeof(*automaton->scratch));
    automaton->stamps = calloc(automaton->node_count, sizeof(*automaton->stamps));
    automaton->states = calloc(automaton->state_cap, sizeof(*automaton->states));
    if (automaton->scratch == NULL || automaton->stamps == NULL || automaton->states == NULL ||
        pair_cache_init(&automaton->transitions, PATH_TRANSITIONS_MAX) < 0) {
        return -ENOMEM;
    }
    begin_set(automaton);
    add_to_set(automaton, &count, root);
    return state_of_set(automaton, count) == NULL || automaton->state_count == 0 ? -ENOMEM : 0;
}

int path_automaton_new(const struct path_section *section, struct path_automaton **ret_automaton)
{
    struct path_automaton *automaton = calloc(1, sizeof(*automaton));
    int error = -ENOMEM;

    if (automaton == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&automaton->lock, NULL);
    automaton->otherwise = section->otherwise;
    automaton->log_violations = section->log_violations;
    automaton->state_cap = section->state_cap == 0 ? PATH_STATES_MAX : section->state_cap;
    automaton->names = name_classes_new();
    if (automaton->names != NULL) {
        error = build(automaton, section);
    }
    if (error < 0) {
        path_automaton_free(automaton);
        return error;
    }
    *ret_automaton = automaton;
    return 0;
}

void path_automaton_free(struct path_automaton *automaton)
{
    if (automaton == NULL) {
        return;
    }
    name_classes_free(automaton->names);
    pair_map_clear(&automaton->edges);
    text_map_clear(&automaton->state_of);
    pair_cache_clear(&automaton->transitions);
    arena_clear(&automaton->cache);
    arena_clear(&automaton->arena);
    free((void *)(uintptr_t)automaton->states);
    free(automaton->scratch);
    free(automaton->stamps);
    pthread_mutex_destroy(&automaton->lock);
    free(automaton);
}

const struct policy_state *path_automaton_root(const struct path_automaton *automaton)
{
    return atomic_load_explicit(&automaton->states[0], memory_order_relaxed);
}

static const struct policy_state *step_slowly(struct path_automaton *automaton,
                                              const struct policy_state *state,
                                              struct str_view name)
{
    const struct policy_state *after;
    struct name_match match;
    uint32_t known;

    pthread_mutex_lock(&automaton->lock);
    match = name_classes_match(automaton->names, name);
    if (state->index != UINT32_MAX && match.class_index != NAME_CLASS_NONE &&
        pair_cache_find(&automaton->transitions, state->index, match.class_index, &known)) {
        after = atomic_load_explicit(&automaton->states[known], memory_order_relaxed);
    } else {
        after = state_of_set(automaton, step_set(automaton, state, &match));
        if (after != NULL && after->index != UINT32_MAX && state->index != UINT32_MAX &&
            match.class_index != NAME_CLASS_NONE) {
            pair_cache_add(&automaton->transitions, state->index, match.class_index, after->index);
        }
    }
    pthread_mutex_unlock(&automaton->lock);
    return after == NULL ? &deny_all : after;
}

const struct policy_state *path_automaton_step(struct path_automaton *automaton,
                                               const struct policy_state *state,
                                               struct str_view name)
{
    uint32_t class_index;
    uint32_t known;

    if (state == &deny_all) {
        return &deny_all;
    }
    if (state->index != UINT32_MAX && name_classes_find(automaton->names, name, &class_index) &&
        pair_cache_find(&automaton->transitions, state->index, class_index, &known)) {
        return atomic_load_explicit(&automaton->states[known], memory_order_acquire);
    }
    return step_slowly(automaton, state, name);
}

enum verdict policy_state_verdict(const struct policy_state *state, enum fs_operation operation)
{
    return (enum verdict)state->verdict[operation];
}

rule_id policy_state_rule(const struct policy_state *state, enum fs_operation operation)
{
    return (rule_id){state->rule[operation]};
}

const struct policy_state *policy_state_ref(const struct policy_state *state)
{
    if (state->references != 0) {
        struct policy_state *counted = (struct policy_state *)(uintptr_t)state;

        atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    }
    return state;
}

void policy_state_unref(const struct policy_state *state)
{
    struct policy_state *counted = (struct policy_state *)(uintptr_t)state;

    if (state == NULL || atomic_load_explicit(&state->references, memory_order_relaxed) == 0) {
        return;
    }
    if (atomic_fetch_sub_explicit(&counted->references, 1, memory_order_acq_rel) == 1) {
        free(counted);
    }
}

bool policy_states_equal_here(const struct policy_state *a, const struct policy_state *b)
{
    return a == b || memcmp(a->verdict, b->verdict, sizeof(a->verdict)) == 0;
}

bool path_automaton_equal_below(struct path_automaton *automaton, const struct policy_state *a,
                                const struct policy_state *b)
{
    (void)automaton;
    if (a == b) {
        return true;
    }
    if (a == &deny_all || b == &deny_all) {
        return false;
    }
    return a->lasting_count == b->lasting_count &&
           (a->lasting_count == 0 ||
            memcmp(a->nodes, b->nodes, a->lasting_count * sizeof(a->nodes[0])) == 0);
}

/* Every operation on every name below is allowed by a pattern that ends in **. */
static bool opens_all_below(const struct path_automaton *automaton,
                            const struct policy_state *state)
{
    for (size_t i = 0; i < state->lasting_count; i++) {
        const struct path_node *node = &automaton->nodes[state->nodes[i]];
        uint32_t here = node->loops && node->any != 0 ? automaton->nodes[node->any].here : 0;
        unsigned int allowed = 0;

        for (unsigned int operation = 0; here != 0 && operation < FS_LOOKUP; operation++) {
            uint32_t winner = automaton->endings[here - 1].winner[operation];

            allowed += winner != NO_RULE && winner >> RULE_BITS == ALLOW ? 1 : 0;
        }
        if (allowed == FS_LOOKUP) {
            return true;
        }
    }
    return automaton->otherwise == VERDICT_ALLOW;
}

bool path_automaton_unrestricted_below(const struct path_automaton *automaton,
                                       const struct policy_state *state)
{
    if (state == &deny_all) {
        return false;
    }
    for (size_t i = 0; i < state->node_count; i++) {
        if (automaton->nodes[state->nodes[i]].restricts) {
            return false;
        }
    }
    for (unsigned int operation = 0; operation < FS_OPERATION_COUNT; operation++) {
        if (state->verdict[operation] != VERDICT_ALLOW) {
            return false;
        }
    }
    return opens_all_below(automaton, state);
}

struct path_automaton_size path_automaton_size(struct path_automaton *automaton)
{
    struct path_automaton_size size;

    pthread_mutex_lock(&automaton->lock);
    size = (struct path_automaton_size){
        .nodes = automaton->node_count,
        .states = automaton->state_count,
        .transitions = automaton->transitions.count,
        .bytes = automaton->arena.total + automaton->cache.total +
                 automaton->edges.capacity * sizeof(struct pair_entry) +
                 automaton->state_of.capacity * sizeof(struct text_entry) +
                 (automaton->transitions.count + automaton->state_count) * sizeof(uint64_t) +
                 automaton->node_count * 2 * sizeof(uint32_t) +
                 name_classes_memory(automaton->names),
    };
    pthread_mutex_unlock(&automaton->lock);
    return size;
}
