/*
 * The trie that all path patterns of a section share: what the automaton walks. Immutable once
 * built, and then read by any thread.
 */
#ifndef FAILCORE_POLICY_PATH_TRIE_H
#define FAILCORE_POLICY_PATH_TRIE_H

#include "shared/policy/arena.h"
#include "shared/policy/name_classes.h"
#include "shared/policy/pair_map.h"
#include "shared/policy/path_automaton.h"

/* How strong a rule is: the smaller wins. Its low bits are the rule, so that ties are settled. */
#define RULE_BITS 24
#define NO_RULE   UINT32_MAX
enum strength { ENFORCED_DENY = 0, DENY, ENFORCED_HIDE, HIDE, LOG, ALLOW };

static inline uint32_t winner_strength(uint32_t winner)
{
    return winner >> RULE_BITS;
}

static inline uint32_t winner_rule(uint32_t winner)
{
    return winner == NO_RULE ? NO_RULE : winner & ((1U << RULE_BITS) - 1);
}

/* What ends at a node: the strongest rule of each operation, NO_RULE where none speaks. */
struct ending {
    uint32_t winner[FS_LOOKUP];
};

struct path_node {
    uint32_t deep;     /* the child behind `**`; 0: none */
    uint32_t any;      /* the child behind `*`; 0: none */
    uint32_t here;     /* ending + 1 of patterns that end here */
    uint32_t listing;  /* ending + 1 of patterns that end in ** below: only list counts */
    uint32_t edges;    /* index + 1 of the first edge behind a literal or glob */
    bool loops;        /* a `**` node stays on any name */
    bool way_to_allow; /* a literal ancestor of an allow or log pattern */
    bool restricts;    /* a deny, hide or log rule ends here or below */
};

struct path_edge {
    uint32_t label; /* literal * 2, or glob * 2 + 1 */
    uint32_t child;
    uint32_t next; /* index + 1 of the node's next edge */
};

struct path_trie {
    struct arena arena;
    struct path_node *nodes; /* [0] is the root */
    size_t node_count, node_capacity;
    struct ending *endings;
    size_t ending_count, ending_capacity;
    struct path_edge *edges;
    size_t edge_count, edge_capacity;
    struct pair_map edge_of; /* (node, label) -> child */
    struct name_classes *names;
};

/* -ENOMEM; -EINVAL for a pattern that path_pattern_expand() refuses. Clear it either way. */
int path_trie_build(struct path_trie *trie, const struct path_section *section);
void path_trie_clear(struct path_trie *trie);

/* Takes the stronger of each operation into `winner`. */
void path_trie_fold_node(const struct path_trie *trie, uint32_t node, uint32_t winner[FS_LOOKUP]);

#endif
