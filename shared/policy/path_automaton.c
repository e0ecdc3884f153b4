#include "shared/policy/path_automaton.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/path_compare.h"
#include "shared/policy/path_state.h"

struct path_automaton {
    struct path_defaults defaults;
    size_t state_cap;
    struct path_trie trie;

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

static void add_to_set(struct path_automaton *automaton, size_t *count, uint32_t node)
{
    for (;;) {
        if (automaton->stamps[node] == automaton->stamp) {
            return;
        }
        automaton->stamps[node] = automaton->stamp;
        automaton->scratch[(*count)++] = node;
        if (automaton->trie.nodes[node].deep == 0) {
            return;
        }
        node = automaton->trie.nodes[node].deep;
    }
}

static void begin_set(struct path_automaton *automaton)
{
    if (++automaton->stamp == 0) {
        memset(automaton->stamps, 0, automaton->trie.node_count * sizeof(*automaton->stamps));
        automaton->stamp = 1;
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
        const struct path_node *node = &automaton->trie.nodes[set[i]];

        /* Behind `**` stands a node of its own, which is in the set as well. */
        if (node->loops || node->any != 0 || node->edges != 0) {
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
    policy_state_fill(state, &automaton->trie, automaton->defaults);
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
    state->index = STATE_UNCACHED;
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
        const struct path_node *node = &automaton->trie.nodes[at];
        uint32_t child;

        if (node->loops) {
            add_to_set(automaton, &count, at);
        }
        if (node->any != 0) {
            add_to_set(automaton, &count, node->any);
        }
        if (node->edges == 0) {
            continue;
        }
        if (match->literal != LITERAL_NONE &&
            pair_map_find(&automaton->trie.edge_of, pair_key(at, match->literal * 2), &child)) {
            add_to_set(automaton, &count, child);
        }
        for (size_t g = 0; g < match->glob_count; g++) {
            if (pair_map_find(&automaton->trie.edge_of, pair_key(at, match->globs[g] * 2 + 1),
                              &child)) {
                add_to_set(automaton, &count, child);
            }
        }
    }
    return count;
}

static int build(struct path_automaton *automaton, const struct path_section *section)
{
    const struct policy_state *root;
    size_t count = 0;
    int error = path_trie_build(&automaton->trie, section);

    if (error < 0) {
        return error;
    }
    automaton->scratch = calloc(automaton->trie.node_count, sizeof(*automaton->scratch));
    automaton->stamps = calloc(automaton->trie.node_count, sizeof(*automaton->stamps));
    automaton->states = calloc(automaton->state_cap, sizeof(*automaton->states));
    if (automaton->scratch == NULL || automaton->stamps == NULL || automaton->states == NULL ||
        pair_cache_init(&automaton->transitions, PATH_TRANSITIONS_MAX) < 0) {
        return -ENOMEM;
    }
    begin_set(automaton);
    add_to_set(automaton, &count, 0);
    root = state_of_set(automaton, count);
    if (root == NULL || automaton->state_count == 0) {
        policy_state_unref(root);
        return -ENOMEM;
    }
    return 0;
}

int path_automaton_new(const struct path_section *section, struct path_automaton **ret_automaton)
{
    struct path_automaton *automaton = calloc(1, sizeof(*automaton));
    int error;

    if (automaton == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&automaton->lock, NULL);
    automaton->defaults = (struct path_defaults){section->otherwise, section->log_violations};
    automaton->state_cap = section->state_cap == 0 ? PATH_STATES_MAX : section->state_cap;
    error = build(automaton, section);
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
    path_trie_clear(&automaton->trie);
    text_map_clear(&automaton->state_of);
    pair_cache_clear(&automaton->transitions);
    arena_clear(&automaton->cache);
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
    match = name_classes_match(automaton->trie.names, name);
    if (state->index != STATE_UNCACHED && match.class_index != NAME_CLASS_NONE &&
        pair_cache_find(&automaton->transitions, state->index, match.class_index, &known)) {
        after = atomic_load_explicit(&automaton->states[known], memory_order_relaxed);
    } else {
        after = state_of_set(automaton, step_set(automaton, state, &match));
        if (after != NULL && after->index != STATE_UNCACHED && state->index != STATE_UNCACHED &&
            match.class_index != NAME_CLASS_NONE) {
            (void)pair_cache_add(&automaton->transitions, state->index, match.class_index,
                                 after->index);
        }
    }
    pthread_mutex_unlock(&automaton->lock);
    return after == NULL ? policy_state_deny_all() : after;
}

const struct policy_state *path_automaton_step(struct path_automaton *automaton,
                                               const struct policy_state *state,
                                               struct str_view name)
{
    uint32_t class_index;
    uint32_t known;

    if (state == policy_state_deny_all()) {
        return policy_state_deny_all();
    }
    if (state->index != STATE_UNCACHED &&
        name_classes_find(automaton->trie.names, name, &class_index) &&
        pair_cache_find(&automaton->transitions, state->index, class_index, &known)) {
        return atomic_load_explicit(&automaton->states[known], memory_order_acquire);
    }
    return step_slowly(automaton, state, name);
}

bool path_automaton_equal_below(const struct path_automaton *automaton,
                                const struct policy_state *a, const struct policy_state *b)
{
    return policy_states_lead_alike(&automaton->trie, a, b);
}

bool path_automaton_unrestricted_below(const struct path_automaton *automaton,
                                       const struct policy_state *state)
{
    return policy_state_is_open_below(&automaton->trie, automaton->defaults, state);
}

struct path_automaton_size path_automaton_size(struct path_automaton *automaton)
{
    struct path_automaton_size size;

    pthread_mutex_lock(&automaton->lock);
    size = (struct path_automaton_size){
        .nodes = automaton->trie.node_count,
        .states = automaton->state_count,
        .transitions = automaton->transitions.count,
        .bytes = automaton->trie.arena.total + automaton->cache.total +
                 automaton->trie.edge_of.capacity * sizeof(struct pair_entry) +
                 automaton->state_of.capacity * sizeof(struct text_entry) +
                 (automaton->transitions.count + automaton->state_count) * sizeof(uint64_t) +
                 automaton->trie.node_count * 2 * sizeof(uint32_t) +
                 name_classes_memory(automaton->trie.names),
    };
    pthread_mutex_unlock(&automaton->lock);
    return size;
}

const struct policy_state *path_automaton_walk(struct path_automaton *automaton,
                                               struct str_view path)
{
    const struct policy_state *state = path_automaton_root(automaton);

    for (size_t from = 0; from < path.length;) {
        size_t to = from;
        struct str_view name;
        const struct policy_state *next;

        while (to < path.length && path.bytes[to] != '/') {
            to++;
        }
        name = (struct str_view){.bytes = path.bytes + from, .length = to - from};
        from = to + 1;
        if (name.length == 0 || str_view_equals_text(name, ".")) {
            continue;
        }
        if (str_view_equals_text(name, "..")) {
            policy_state_unref(state);
            return policy_state_deny_all();
        }
        next = path_automaton_step(automaton, state, name);
        policy_state_unref(state);
        state = next;
    }
    return state;
}
