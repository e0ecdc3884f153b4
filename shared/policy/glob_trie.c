#include "shared/policy/glob_trie.h"

#include <errno.h>
#include <string.h>

static int add_node(struct glob_trie *trie, bool loops, uint32_t *ret_node)
{
    struct glob_node *grown = arena_grow(&trie->arena, trie->nodes, trie->node_count,
                                         &trie->node_capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    trie->nodes = grown;
    grown[trie->node_count] = (struct glob_node){.accept = NO_GLOB, .loops = loops};
    *ret_node = (uint32_t)trie->node_count++;
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

static int child_of(struct glob_trie *trie, uint32_t node, const struct glob_token *token,
                    uint32_t *ret_child)
{
    struct glob_edge *grown;
    uint32_t child;
    int error;

    if (token->kind == GLOB_STAR) {
        if (trie->nodes[node].star == 0) {
            error = add_node(trie, true, &child);
            if (error < 0) {
                return error;
            }
            trie->nodes[node].star = child;
        }
        *ret_child = trie->nodes[node].star;
        return 0;
    }
    for (uint32_t edge = trie->nodes[node].edges; edge != 0; edge = trie->edges[edge - 1].next) {
        if (tokens_equal(&trie->edges[edge - 1].token, token)) {
            *ret_child = trie->edges[edge - 1].child;
            return 0;
        }
    }
    grown = arena_grow(&trie->arena, trie->edges, trie->edge_count, &trie->edge_capacity,
                       sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    trie->edges = grown;
    error = add_node(trie, false, &child);
    if (error < 0) {
        return error;
    }
    grown[trie->edge_count++] =
        (struct glob_edge){.token = *token, .child = child, .next = trie->nodes[node].edges};
    trie->nodes[node].edges = (uint32_t)trie->edge_count;
    *ret_child = child;
    return 0;
}

int glob_trie_add(struct glob_trie *trie, struct str_view glob, uint32_t *ret_glob)
{
    struct str_view rest = glob;
    struct glob_token token;
    const char *problem;
    uint32_t node = 0;
    int more;

    if (text_map_find(&trie->globs, glob, ret_glob)) {
        return 0;
    }
    while ((more = glob_token_next(&rest, &token, &problem)) > 0) {
        int error = child_of(trie, node, &token, &node);

        if (error < 0) {
            return error;
        }
    }
    if (more < 0) {
        return more;
    }
    /* Two ways to write the same tokens are one glob. */
    if (trie->nodes[node].accept == NO_GLOB) {
        trie->nodes[node].accept = trie->glob_count++;
    }
    *ret_glob = trie->nodes[node].accept;
    return text_map_add(&trie->globs, glob, *ret_glob);
}

/* Splits the classes of bytes by one token. */
static void split_bytes(struct glob_trie *trie, const struct glob_token *token)
{
    int16_t split[256];
    unsigned int count = trie->byte_class_count;

    memset(split, -1, sizeof(split));
    for (unsigned int byte = 0; byte < 256; byte++) {
        bool member =
            token->kind == GLOB_BYTE ? token->byte == byte : byte_set_has(&token->set, byte);
        uint8_t old = trie->byte_class[byte];

        if (!member) {
            continue;
        }
        if (split[old] < 0) {
            split[old] = (int16_t)count++;
        }
        trie->byte_class[byte] = (uint8_t)split[old];
    }
    /* A class that moved as a whole leaves its number empty: number them densely again. */
    memset(split, -1, sizeof(split));
    count = 0;
    for (unsigned int byte = 0; byte < 256; byte++) {
        uint8_t old = trie->byte_class[byte];

        if (split[old] < 0) {
            split[old] = (int16_t)count++;
        }
        trie->byte_class[byte] = (uint8_t)split[old];
    }
    trie->byte_class_count = count;
}

void glob_trie_find_byte_classes(struct glob_trie *trie)
{
    bool seen[256] = {false};

    trie->byte_class_count = 1;
    for (size_t i = 0; i < trie->edge_count && trie->byte_class_count < 256; i++) {
        const struct glob_token *token = &trie->edges[i].token;

        if (token->kind == GLOB_CLASS || (token->kind == GLOB_BYTE && !seen[token->byte])) {
            split_bytes(trie, token);
            seen[token->byte] = true;
        }
    }
}

bool glob_token_takes(const struct glob_token *token, unsigned char byte)
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

int glob_trie_init(struct glob_trie *trie)
{
    uint32_t root;

    return add_node(trie, false, &root);
}

void glob_trie_clear(struct glob_trie *trie)
{
    text_map_clear(&trie->globs);
    arena_clear(&trie->arena);
}
