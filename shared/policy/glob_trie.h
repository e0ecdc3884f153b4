/*
 * All globs of a policy as one trie of tokens: patterns with common beginnings share their nodes.
 * Read as a nondeterministic automaton over bytes, in which a `*` node loops.
 */
#ifndef FAILCORE_POLICY_GLOB_TRIE_H
#define FAILCORE_POLICY_GLOB_TRIE_H

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

struct glob_trie {
    struct arena arena;
    struct text_map globs;
    uint32_t glob_count;
    struct glob_node *nodes; /* [0] is the root */
    size_t node_count, node_capacity;
    struct glob_edge *edges;
    size_t edge_count, edge_capacity;
    uint8_t byte_class[256]; /* bytes that no pattern tells apart share one */
    unsigned int byte_class_count;
};

/* -ENOMEM. Clear it either way. */
int glob_trie_init(struct glob_trie *trie);
/* The text is borrowed. Two ways to write the same tokens are one glob. */
int glob_trie_add(struct glob_trie *trie, struct str_view glob, uint32_t *ret_glob);
/* Once all globs are there. */
void glob_trie_find_byte_classes(struct glob_trie *trie);
void glob_trie_clear(struct glob_trie *trie);

bool glob_token_takes(const struct glob_token *token, unsigned char byte);

#endif
