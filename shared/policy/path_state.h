/*
 * A state of the automaton: where a path stands, and what may be done there. Private to the
 * automaton; the face is in policy.h.
 */
#ifndef FAILCORE_POLICY_PATH_STATE_H
#define FAILCORE_POLICY_PATH_STATE_H

#include <stdatomic.h>

#include "shared/policy/path_trie.h"

#define STATE_UNCACHED UINT32_MAX

struct policy_state {
    _Atomic unsigned int references; /* 0: interned, lives with its policy */
    uint32_t index;                  /* of an interned one; else STATE_UNCACHED */
    uint8_t verdict[FS_OPERATION_COUNT];
    uint32_t rule[FS_OPERATION_COUNT];
    uint32_t node_count;
    uint32_t lasting_count; /* nodes that matter below, first in .nodes */
    uint32_t nodes[];       /* ascending in each of the two parts */
};

struct path_defaults {
    enum verdict otherwise;
    bool log_violations;
};

/* Works out verdict and rule of every operation from the state's nodes. */
void policy_state_fill(struct policy_state *state, const struct path_trie *trie,
                       struct path_defaults defaults);

#endif
