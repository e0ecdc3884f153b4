#include "shared/policy/path_state.h"

#include <stdlib.h>
#include <string.h>

static const struct policy_state deny_all = {
    .references = 0,
    .index = STATE_UNCACHED,
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

static enum verdict verdict_of(const struct path_defaults *defaults, uint32_t winner)
{
    static const enum verdict verdicts[] = {
        [ENFORCED_DENY] = VERDICT_DENY, [DENY] = VERDICT_DENY, [ENFORCED_HIDE] = VERDICT_HIDE,
        [HIDE] = VERDICT_HIDE,          [LOG] = VERDICT_LOG,   [ALLOW] = VERDICT_ALLOW,
    };

    return winner == NO_RULE ? defaults->otherwise : verdicts[winner >> RULE_BITS];
}

static bool is_softened(const struct path_defaults *defaults, uint32_t winner)
{
    return defaults->log_violations &&
           (winner == NO_RULE || winner >> RULE_BITS == DENY || winner >> RULE_BITS == HIDE);
}

/*
 * A name may be looked up when anything at all may be done with it, or when it leads to an
 * allowed pattern and is not itself shut by rules. A hidden name is hidden from looks as well,
 * also where a deny rule takes the other operations: EACCES would tell that it is there.
 */
static void decide_lookup(struct policy_state *state, const struct path_defaults *defaults,
                          const uint32_t winner[FS_LOOKUP], bool way_to_allow)
{
    uint32_t strongest = NO_RULE;
    bool undecided = false;

    for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
        enum verdict verdict = verdict_of(defaults, winner[operation]);
        bool hides = verdict == VERDICT_HIDE;
        bool hidden = strongest != NO_RULE && verdict_of(defaults, strongest) == VERDICT_HIDE;

        if (verdict == VERDICT_ALLOW || verdict == VERDICT_LOG) {
            state->verdict[FS_LOOKUP] = VERDICT_ALLOW;
            state->rule[FS_LOOKUP] = winner_rule(winner[operation]);
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
    if (undecided && strongest != NO_RULE && verdict_of(defaults, strongest) == VERDICT_DENY) {
        strongest = NO_RULE;
    }
    state->verdict[FS_LOOKUP] =
        (uint8_t)(is_softened(defaults, strongest) ? VERDICT_LOG : verdict_of(defaults, strongest));
    state->rule[FS_LOOKUP] = winner_rule(strongest);
}

void policy_state_fill(struct policy_state *state, const struct path_trie *trie,
                       struct path_defaults defaults)
{
    uint32_t winner[FS_LOOKUP];
    bool way_to_allow = false;

    memset(winner, 0xFF, sizeof(winner));
    for (size_t i = 0; i < state->node_count; i++) {
        const struct path_node *node = &trie->nodes[state->nodes[i]];

        path_trie_fold_node(trie, state->nodes[i], winner);
        way_to_allow = way_to_allow || node->way_to_allow;
    }
    decide_lookup(state, &defaults, winner, way_to_allow);
    for (unsigned int operation = 0; operation < FS_LOOKUP; operation++) {
        enum verdict verdict = verdict_of(&defaults, winner[operation]);

        if ((verdict == VERDICT_DENY || verdict == VERDICT_HIDE) &&
            is_softened(&defaults, winner[operation])) {
            verdict = VERDICT_LOG;
        }
        state->verdict[operation] = (uint8_t)verdict;
        state->rule[operation] = winner_rule(winner[operation]);
    }
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
