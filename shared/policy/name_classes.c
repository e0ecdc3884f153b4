#include "shared/policy/name_classes.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/policy/arena.h"
#include "shared/policy/glob_token.h"
#include "shared/policy/pair_map.h"

#define NO_GLOB UINT32_MAX

struct glob_edge {
    struct glob_token token; /* never a star: that is .star */
    uint32_t child;
    uint32_t next; /* index + 1 of the node's next edge */
};

struct glob_node {
    uint32_t edges;  /* index + 1 of the first edge */
    uint32_t star;   /* the child behind a `*`, reached without a byte; 0: none */
    uint32_t accept; /* glob that ends here */
    bool loops;      /* a `*` node: stays on any byte */
};

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
    struct arena arena; /* built once */
    struct text_map literals;
    struct text_map globs;
    uint32_t literal_count;
    uint32_t glob_count;

    struct glob_node *nodes;
    size_t node_count, node_capacity;
    struct glob_edge *edges;
    size_t edge_count, edge_capacity;
    uint8_t byte_class[256];
    unsigned int byte_classes;

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

static int add_node(struct name_classes *classes, bool loops, uint32_t *ret_node)
{
    struct glob_node *grown = arena_grow(&classes->arena, classes->nodes, classes->node_count,
                                         &classes->node_capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    classes->nodes = grown;
    grown[classes->node_count] = (struct glob_node){.accept = NO_GLOB, .loops = loops};
    *ret_node = (uint32_t)classes->node_count++;
    return 0;
}

struct name_classes *name_classes_new(void)
{
    struct name_classes *classes = calloc(1, sizeof(*classes));
    uint32_t root;

    if (classes == NULL) {
        return NULL;
    }
    if (add_node(classes, false, &root) < 0) {
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
    text_map_clear(&classes->globs);
    text_map_clear(&classes->states);
    text_map_clear(&classes->glob_sets);
    pair_cache_clear(&classes->class_of);
    arena_clear(&classes->cache);
    arena_clear(&classes->arena);
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

static bool tokens_equal(const struct glob_token *a, const struct glob_token *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case GLOB_BYTE:
        return a->byte == b->byte;
    case GLOB_ANY_BYTE:
    case GLOB_STAR:
        return true;
    case GLOB_CLASS:
        return memcmp(&a->set, &b->set, sizeof(a->set)) == 0;
    }
    return false;
}

static int child_of(struct name_classes *classes, uint32_t node, const struct glob_token *token,
                    uint32_t *ret_child)
{
    struct glob_edge *grown;
    uint32_t child;
    int error;

    if (token->kind == GLOB_STAR) {
        if (classes->nodes[node].star == 0) {
            error = add_node(classes, true, &child);
            if (error < 0) {
                return error;
            }
            classes->nodes[node].star = child;
        }
        *ret_child = classes->nodes[node].star;
        return 0;
    }
    for (uint32_t edge = classes->nodes[node].edges; edge != 0;
         edge = classes->edges[edge - 1].next) {
        if (tokens_equal(&classes->edges[edge - 1].token, token)) {
            *ret_child = classes->edges[edge - 1].child;
            return 0;
        }
    }
    grown = arena_grow(&classes->arena, classes->edges, classes->edge_count,
                       &classes->edge_capacity, sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    classes->edges = grown;
    error = add_node(classes, false, &child);
    if (error < 0) {
        return error;
    }
    grown[classes->edge_count++] =
        (struct glob_edge){.token = *token, .child = child, .next = classes->nodes[node].edges};
    classes->nodes[node].edges = (uint32_t)classes->edge_count;
    *ret_child = child;
    return 0;
}

int name_classes_add_glob(struct name_classes *classes, struct str_view glob, uint32_t *ret_glob)
{
    struct str_view rest = glob;
    struct glob_token token;
    const char *problem;
    uint32_t node = 0;
    int more;

    if (text_map_find(&classes->globs, glob, ret_glob)) {
        return 0;
    }
    while ((more = glob_token_next(&rest, &token, &problem)) > 0) {
        int error = child_of(classes, node, &token, &node);

        if (error < 0) {
            return error;
        }
    }
    if (more < 0) {
        return more;
    }
    /* Two ways to write the same tokens are one glob. */
    if (classes->nodes[node].accept == NO_GLOB) {
        classes->nodes[node].accept = classes->glob_count++;
    }
    *ret_glob = classes->nodes[node].accept;
    return text_map_add(&classes->globs, glob, *ret_glob);
}

/* Splits the classes of bytes by one token. */
static void split_bytes(struct name_classes *classes, const struct glob_token *token)
{
    int16_t split[256];
    unsigned int count = classes->byte_classes;

    memset(split, -1, sizeof(split));
    for (unsigned int byte = 0; byte < 256; byte++) {
        bool member =
            token->kind == GLOB_BYTE ? token->byte == byte : byte_set_has(&token->set, byte);
        uint8_t old = classes->byte_class[byte];

        if (!member) {
            continue;
        }
        if (split[old] < 0) {
            split[old] = (int16_t)count++;
        }
        classes->byte_class[byte] = (uint8_t)split[old];
    }
    /* A class that moved as a whole leaves its number empty: number them densely again. */
    memset(split, -1, sizeof(split));
    count = 0;
    for (unsigned int byte = 0; byte < 256; byte++) {
        uint8_t old = classes->byte_class[byte];

        if (split[old] < 0) {
            split[old] = (int16_t)count++;
        }
        classes->byte_class[byte] = (uint8_t)split[old];
    }
    classes->byte_classes = count;
}

static void find_byte_classes(struct name_classes *classes)
{
    bool seen[256] = {false};

    classes->byte_classes = 1;
    for (size_t i = 0; i < classes->edge_count && classes->byte_classes < 256; i++) {
        const struct glob_token *token = &classes->edges[i].token;

        if (token->kind == GLOB_CLASS || (token->kind == GLOB_BYTE && !seen[token->byte])) {
            split_bytes(classes, token);
            seen[token->byte] = true;
        }
    }
}

static void begin_set(struct name_classes *classes)
{
    if (++classes->stamp == 0) {
        memset(classes->stamps, 0, classes->node_count * sizeof(*classes->stamps));
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
        if (classes->nodes[node].star == 0) {
            return;
        }
        node = classes->nodes[node].star;
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

static bool token_takes(const struct glob_token *token, unsigned char byte)
{
    switch (token->kind) {
    case GLOB_BYTE:
        return token->byte == byte;
    case GLOB_ANY_BYTE:
        return true;
    case GLOB_CLASS:
        return byte_set_has(&token->set, byte);
    case GLOB_STAR:
        return false;
    }
    return false;
}

/* The set of nodes after one byte. */
static size_t step_set(struct name_classes *classes, const uint32_t *set, size_t count,
                       unsigned char byte, uint32_t *ret_set)
{
    size_t out = 0;

    begin_set(classes);
    for (size_t i = 0; i < count; i++) {
        const struct glob_node *node = &classes->nodes[set[i]];

        if (node->loops) {
            add_to_set(classes, ret_set, &out, set[i]);
        }
        for (uint32_t edge = node->edges; edge != 0; edge = classes->edges[edge - 1].next) {
            if (token_takes(&classes->edges[edge - 1].token, byte)) {
                add_to_set(classes, ret_set, &out, classes->edges[edge - 1].child);
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
        if (classes->nodes[set[i]].accept != NO_GLOB) {
            ret_globs[out++] = classes->nodes[set[i]].accept;
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
                        sizeof(*state) + classes->byte_classes * sizeof(state->next[0]));
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
    size_t nodes = classes->node_count;
    size_t count = 0;

    find_byte_classes(classes);
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

    if (classes->glob_count > 0) {
        for (size_t i = 0; i < name.length; i++) {
            unsigned int byte_class = classes->byte_class[(unsigned char)name.bytes[i]];

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
        _Atomic(struct name_state *) *next = &state->next[classes->byte_class[byte]];
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
