/*
 * All path rules of a section as one automaton over path components.
 *
 * Theory: the patterns share one trie whose edges are components: a literal, a glob, `*` (any
 * name) or `**` (a node that loops on every name, entered without one). A state is the set of
 * nodes where a path stands, with the verdict and the winning rule of every operation worked out
 * once, when the state is made. States are interned; the step from (state, class of the name) is
 * one entry of a bounded table that threads read without a lock and that grows under one. Because
 * patterns share the trie, ten thousand `**`/x rules are one looping node and a hash lookup.
 *
 * Caps: past PATH_STATES_MAX states a state is made for its holder and counted; the answer is the
 * same. When memory is short the step gives the state in which everything is denied.
 */
#ifndef FAILCORE_POLICY_PATH_AUTOMATON_H
#define FAILCORE_POLICY_PATH_AUTOMATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/policy/policy.h"

#define PATH_STATES_MAX      16384
#define PATH_TRANSITIONS_MAX ((size_t)1 << 17)
#define PATH_ALL_OPERATIONS  ((1U << FS_LOOKUP) - 1)

struct path_rule {
    uint32_t rule; /* what a decision names; smaller wins among equals */
    enum verdict action;
    bool enforced;           /* violations of it are never softened */
    unsigned int operations; /* bits of enum fs_operation */
    const struct str_view *patterns;
    size_t pattern_count;
};

struct path_section {
    const struct path_rule *rules;
    size_t rule_count;
    enum verdict otherwise; /* the default: VERDICT_DENY or VERDICT_ALLOW */
    bool log_violations;    /* a deny or hide that is not enforced permits and is recorded */
    size_t state_cap;       /* 0: PATH_STATES_MAX; tests make it small */
};

struct path_automaton;

/* -ENOMEM; -EINVAL for a pattern that path_pattern_expand() refuses. */
int path_automaton_new(const struct path_section *section, struct path_automaton **ret_automaton);
void path_automaton_free(struct path_automaton *automaton);

const struct policy_state *path_automaton_root(const struct path_automaton *automaton);
const struct policy_state *path_automaton_step(struct path_automaton *automaton,
                                               const struct policy_state *state,
                                               struct str_view name);

/* From the root along a path; one with ".." in it leads to the state in which everything is denied.
 */
const struct policy_state *path_automaton_walk(struct path_automaton *automaton,
                                               struct str_view path);

/* One read of the state's table. */
enum verdict policy_state_verdict(const struct policy_state *state, enum fs_operation operation);
rule_id policy_state_rule(const struct policy_state *state, enum fs_operation operation);
/* The state in which everything is denied. */
const struct policy_state *policy_state_deny_all(void);

bool path_automaton_equal_below(const struct path_automaton *automaton,
                                const struct policy_state *a, const struct policy_state *b);
bool path_automaton_unrestricted_below(const struct path_automaton *automaton,
                                       const struct policy_state *state);

struct path_automaton_size {
    size_t nodes;       /* of the trie */
    size_t states;      /* kept */
    size_t transitions; /* kept */
    size_t bytes;       /* all of it */
};
struct path_automaton_size path_automaton_size(struct path_automaton *automaton);

#endif
