#include "shared/policy/name_classes.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/glob_trie.h"

/* One deterministic state: a set of nodes, ascending. */
struct name_state {
    const uint32_t *nodes;
    size_t node_count;
    const uint32_t *globs; /* that match a name which ends here */
    size_t glob_count;
    uint32_t glob_set;                   /* number of this set of globs */
    _Atomic(struct name_state *) next[]; /* by class of byte; NULL: not computed yet */
};

struct name_classes {
    struct glob_trie globs; /* built once, as the literals are */
    struct text_map literals;
    uint32_t literal_count;

    struct arena cache; /* grows with use, under the owner's lock */
    struct name_state *root;
    size_t state_count;
    struct text_map states;    /* set of nodes -> index in state_list */
    struct text_map glob_sets; /* set of globs -> number */
    struct name_state **state_list;
    uint32_t class_count;
    struct pair_cache class_of; /* (literal, set of globs) -> class */

    uint32_t *scratch[2]; /* node_count each */
    uint32_t *scratch_globs;
    uint32_t *stamps; /* per node: the last step that added it */
    uint32_t stamp;
};

static struct str_view view_of(const uint32_t *numbers, size_t count)
{
    return (struct str_view){.bytes = (const char *)numbers, .length = count * sizeof(*numbers)};
}

struct name_classes *name_classes_new(void)
{
    struct name_classes *classes = calloc(1, sizeof(*classes));

    if (classes == NULL) {
        return NULL;
    }
    if (glob_trie_init(&classes->globs) < 0) {
        name_classes_free(classes);
        return NULL;
    }
    return classes;
}

void name_classes_free(struct name_classes *classes)
{
    if (classes == NULL) {
        return;
    }
    text_map_clear(&classes->literals);
    glob_trie_clear(&classes->globs);
    text_map_clear(&classes->states);
    text_map_clear(&classes->glob_sets);
    pair_cache_clear(&classes->class_of);
    arena_clear(&classes->cache);
    free(classes->state_list);
    free(classes->scratch[0]);
    free(classes->scratch[1]);
    free(classes->scratch_globs);
    free(classes->stamps);
    free(classes);
}

int name_classes_add_literal(struct name_classes *classes, struct str_view text,
                             uint32_t *ret_literal)
{
    int error;

    if (text_map_find(&classes->literals, text, ret_literal)) {
        return 0;
    }
    error = text_map_add(&classes->literals, text, classes->literal_count + 1);
    if (error < 0) {
        return error;
    }
    *ret_literal = ++classes->literal_count;
    return 0;
}

int name_classes_add_glob(struct name_classes *classes, struct str_view glob, uint32_t *ret_glob)
{
    return glob_trie_add(&classes->globs, glob, ret_glob);
}

static void begin_set(struct name_classes *classes)
{
    if (++classes->stamp == 0) {
        memset(classes->stamps, 0, classes->globs.node_count * sizeof(*classes->stamps));
        classes->stamp = 1;
    }
}

/* Adds a node and what a star reaches from it without a byte. */
static void add_to_set(struct name_classes *classes, uint32_t *set, size_t *count, uint32_t node)
{
    for (;;) {
        if (classes->stamps[node] == classes->stamp) {
            return;
        }
        classes->stamps[node] = classes->stamp;
        set[(*count)++] = node;
        if (classes->globs.nodes[node].star == 0) {
            return;
        }
        node = classes->globs.nodes[node].star;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return *left < *right ? -1 : *left > *right;
}

static void sort_numbers(uint32_t *numbers, size_t count)
{
    if (count > 1) {
        qsort(numbers, count, sizeof(*numbers), compare_numbers);
    }
}

/* The set of nodes after one byte. */
static size_t step_set(struct name_classes *classes, const uint32_t *set, size_t count,
                       unsigned char byte, uint32_t *ret_set)
{
    size_t out = 0;

    begin_set(classes);
    for (size_t i = 0; i < count; i++) {
        const struct glob_node *node = &classes->globs.nodes[set[i]];

        if (node->loops) {
            add_to_set(classes, ret_set, &out, set[i]);
        }
        for (uint32_t edge = node->edges; edge != 0; edge = classes->globs.edges[edge - 1].next) {
            if (glob_token_takes(&classes->globs.edges[edge - 1].token, byte)) {
                add_to_set(classes, ret_set, &out, classes->globs.edges[edge - 1].child);
            }
        }
    }
    sort_numbers(ret_set, out);
    return out;
}

static size_t accepted_globs(const struct name_classes *classes, const uint32_t *set, size_t count,
                             uint32_t *ret_globs)
{
    size_t out = 0;

    for (size_t i = 0; i < count; i++) {
        if (classes->globs.nodes[set[i]].accept != NO_GLOB) {
            ret_globs[out++] = classes->globs.nodes[set[i]].accept;
        }
    }
    sort_numbers(ret_globs, out);
    return out;
}

static const uint32_t *keep_numbers(struct name_classes *classes, const uint32_t *numbers,
                                    size_t count)
{
    uint32_t *kept = arena_alloc_array(&classes->cache, count, sizeof(*kept));

    if (kept != NULL && count > 0) {
        memcpy(kept, numbers, count * sizeof(*kept));
    }
    return kept;
}

/* The kept state of a set of nodes; NULL at the cap and when memory is short. */
static struct name_state *intern_state(struct name_classes *classes, const uint32_t *set,
                                       size_t count)
{
    struct name_state *state;
    uint32_t index;

    if (text_map_find(&classes->states, view_of(set, count), &index)) {
        return classes->state_list[index];
    }
    if (classes->state_count == NAME_STATES_MAX) {
        return NULL;
    }
    state = arena_alloc(&classes->cache,
                        sizeof(*state) + classes->globs.byte_class_count * sizeof(state->next[0]));
    if (state == NULL) {
        return NULL;
    }
    state->nodes = keep_numbers(classes, set, count);
    state->node_count = count;
    state->glob_count = accepted_globs(classes, set, count, classes->scratch_globs);
    state->globs = keep_numbers(classes, classes->scratch_globs, state->glob_count);
    if (state->nodes == NULL || state->globs == NULL) {
        return NULL;
    }
    if (!text_map_find(&classes->glob_sets, view_of(state->globs, state->glob_count),
                       &state->glob_set)) {
        state->glob_set = (uint32_t)classes->glob_sets.count;
        if (text_map_add(&classes->glob_sets, view_of(state->globs, state->glob_count),
                         state->glob_set) < 0) {
            return NULL;
        }
    }
    if (text_map_add(&classes->states, view_of(state->nodes, count),
                     (uint32_t)classes->state_count) < 0) {
        return NULL;
    }
    classes->state_list[classes->state_count++] = state;
    return state;
}

int name_classes_finish(struct name_classes *classes)
{
    size_t nodes = classes->globs.node_count;
    size_t count = 0;

    glob_trie_find_byte_classes(&classes->globs);
    classes->scratch[0] = calloc(nodes, sizeof(uint32_t));
    classes->scratch[1] = calloc(nodes, sizeof(uint32_t));
    classes->scratch_globs = calloc(nodes, sizeof(uint32_t));
    classes->stamps = calloc(nodes, sizeof(uint32_t));
    classes->state_list = calloc(NAME_STATES_MAX, sizeof(struct name_state *));
    if (classes->scratch[0] == NULL || classes->scratch[1] == NULL ||
        classes->scratch_globs == NULL || classes->stamps == NULL || classes->state_list == NULL ||
        pair_cache_init(&classes->class_of, (size_t)2 * NAME_CLASSES_MAX) < 0) {
        return -ENOMEM;
    }
    begin_set(classes);
    add_to_set(classes, classes->scratch[0], &count, 0);
    sort_numbers(classes->scratch[0], count);
    classes->root = intern_state(classes, classes->scratch[0], count);
    return classes->root == NULL ? -ENOMEM : 0;
}

bool name_classes_find(const struct name_classes *classes, struct str_view name,
                       uint32_t *ret_class)
{
    struct name_state *state = classes->root;
    uint32_t literal = LITERAL_NONE;

    if (classes->globs.glob_count > 0) {
        for (size_t i = 0; i < name.length; i++) {
            unsigned int byte_class = classes->globs.byte_class[(unsigned char)name.bytes[i]];

            state = atomic_load_explicit(&state->next[byte_class], memory_order_acquire);
            if (state == NULL) {
                return false;
            }
            /* No glob can match any more, and none will. */
            if (state->node_count == 0) {
                break;
            }
        }
    }
    (void)text_map_find(&classes->literals, name, &literal);
    return pair_cache_find(&classes->class_of, literal, state->glob_set, ret_class);
}

/* The end of a name without keeping states: scratch[0] holds `count` nodes. */
static void simulate(struct name_classes *classes, size_t count, struct str_view rest,
                     struct name_match *match)
{
    unsigned int side = 0;

    for (size_t i = 0; i < rest.length; i++) {
        count = step_set(classes, classes->scratch[side], count, (unsigned char)rest.bytes[i],
                         classes->scratch[1 - side]);
        side = 1 - side;
    }
    match->glob_count =
        accepted_globs(classes, classes->scratch[side], count, classes->scratch_globs);
    match->globs = classes->scratch_globs;
}

/* Goes as far as states can be kept, then simulates. NULL: the end is no kept state. */
static struct name_state *walk(struct name_classes *classes, struct str_view name,
                               struct name_match *match)
{
    struct name_state *state = classes->root;

    for (size_t i = 0; i < name.length && state->node_count > 0; i++) {
        unsigned char byte = (unsigned char)name.bytes[i];
        _Atomic(struct name_state *) *next = &state->next[classes->globs.byte_class[byte]];
        struct name_state *after = atomic_load_explicit(next, memory_order_relaxed);

        if (after == NULL) {
            size_t count =
                step_set(classes, state->nodes, state->node_count, byte, classes->scratch[0]);

            after = intern_state(classes, classes->scratch[0], count);
            if (after == NULL) {
                struct str_view rest = {.bytes = name.bytes + i + 1, .length = name.length - i - 1};

                simulate(classes, count, rest, match);
                return NULL;
            }
            atomic_store_explicit(next, after, memory_order_release);
        }
        state = after;
    }
    match->globs = state->globs;
    match->glob_count = state->glob_count;
    return state;
}

struct name_match name_classes_match(struct name_classes *classes, struct str_view name)
{
    struct name_match match = {.literal = LITERAL_NONE, .class_index = NAME_CLASS_NONE};
    struct name_state *state = walk(classes, name, &match);
    uint32_t glob_set;

    (void)text_map_find(&classes->literals, name, &match.literal);
    if (state != NULL) {
        glob_set = state->glob_set;
    } else if (!text_map_find(&classes->glob_sets, view_of(match.globs, match.glob_count),
                              &glob_set)) {
        return match;
    }
    if (pair_cache_find(&classes->class_of, match.literal, glob_set, &match.class_index)) {
        return match;
    }
    if (classes->class_count == NAME_CLASSES_MAX) {
        return match;
    }
    /* A class that cannot be found again is no class: its number would be lost. */
    if (pair_cache_add(&classes->class_of, match.literal, glob_set, classes->class_count)) {
        match.class_index = classes->class_count++;
    }
    return match;
}

size_t name_classes_memory(const struct name_classes *classes)
{
    return classes->cache.total + classes->class_of.count * sizeof(uint64_t) +
           (classes->states.capacity + classes->glob_sets.capacity) * sizeof(struct text_entry);
}
