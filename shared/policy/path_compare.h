/*
 * What lies below two states: whether renaming a directory between them changes any verdict, and
 * whether a tree is free of rules. Reads the trie only; no lock, no allocation.
 */
#ifndef FAILCORE_POLICY_PATH_COMPARE_H
#define FAILCORE_POLICY_PATH_COMPARE_H

#include "shared/policy/path_state.h"

/* The same verdicts for every name below; no where that cannot be shown within bounds. */
bool policy_states_lead_alike(const struct path_trie *trie, const struct policy_state *a,
                              const struct policy_state *b);
/* All is allowed here and below, and no rule that restricts can match. */
bool policy_state_is_open_below(const struct path_trie *trie, struct path_defaults defaults,
                                const struct policy_state *state);

#endif
