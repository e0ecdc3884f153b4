#include "shared/policy/breaker_settings.h"

#include "shared/policy/model.h"
#include "shared/policy/path_automaton.h"
#include "shared/policy/policy_load.h"

size_t policy_breaker_count(const struct policy *policy)
{
    return policy_model(policy)->breaker_count;
}

/* FNV-1a over the patterns, each with its end. */
static uint64_t scope_of(const struct breaker_rule *breaker)
{
    uint64_t hash = breaker->except_count == 0 ? 0 : UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < breaker->except_count; i++) {
        for (size_t at = 0; at <= breaker->except[i].length; at++) {
            unsigned char byte =
                at < breaker->except[i].length ? (unsigned char)breaker->except[i].bytes[at] : 0;

            hash = (hash ^ byte) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

struct policy_breaker policy_breaker_at(const struct policy *policy, size_t index)
{
    const struct breaker_rule *breaker = &policy_model(policy)->breakers[index];

    return (struct policy_breaker){
        .event = breaker->event,
        .action = breaker->action,
        .count = breaker->count,
        .within_ms = breaker->within_ms,
        .share = breaker->share,
        .has_exceptions = breaker->except_count > 0,
        .scope = scope_of(breaker),
    };
}

bool policy_breaker_excepts(const struct policy *policy, size_t index, struct str_view path)
{
    struct path_automaton *automaton = policy_breaker_automaton(policy, index);
    const struct policy_state *state;
    bool excepted;

    if (automaton == NULL) {
        return false;
    }
    state = path_automaton_walk(automaton, path);
    excepted = policy_state_verdict(state, FS_DELETE) == VERDICT_ALLOW;
    policy_state_unref(state);
    return excepted;
}

bool policy_breaker_excepts_below(const struct policy *policy, size_t index, struct str_view path)
{
    struct path_automaton *automaton = policy_breaker_automaton(policy, index);
    const struct policy_state *state;
    bool excepted;

    if (automaton == NULL) {
        return false;
    }
    state = path_automaton_walk(automaton, path);
    excepted = path_automaton_unrestricted_below(automaton, state);
    policy_state_unref(state);
    return excepted;
}

bool policy_breaker_loses(const struct policy *policy, size_t index, struct str_view from,
                          struct str_view to, bool directory)
{
    struct path_automaton *automaton = policy_breaker_automaton(policy, index);
    const struct policy_state *old_state;
    const struct policy_state *new_state;
    bool loses;

    if (automaton == NULL) {
        return false;
    }
    old_state = path_automaton_walk(automaton, from);
    new_state = path_automaton_walk(automaton, to);
    if (directory) {
        /* What nothing counts in may go anywhere. */
        loses = !path_automaton_equal_below(automaton, old_state, new_state) &&
                !path_automaton_unrestricted_below(automaton, old_state);
    } else {
        loses = policy_state_verdict(old_state, FS_DELETE) != VERDICT_ALLOW &&
                policy_state_verdict(new_state, FS_DELETE) == VERDICT_ALLOW;
    }
    policy_state_unref(old_state);
    policy_state_unref(new_state);
    return loses;
}

const char *breaker_event_word(enum breaker_event event)
{
    return event < BREAKER_EVENT_COUNT ? breaker_event_words[event] : "";
}

const char *breaker_action_word(enum breaker_action action)
{
    return breaker_action_words[action];
}

static bool breaker_equals(const struct breaker_rule *a, const struct breaker_rule *b)
{
    if (a->event != b->event || a->action != b->action || a->count != b->count ||
        a->within_ms != b->within_ms || a->share != b->share ||
        a->except_count != b->except_count) {
        return false;
    }
    for (size_t i = 0; i < a->except_count; i++) {
        if (!str_view_equals(a->except[i], b->except[i])) {
            return false;
        }
    }
    return true;
}

bool policy_breakers_equal(const struct policy *a, const struct policy *b)
{
    const struct model *left = policy_model(a);
    const struct model *right = policy_model(b);

    if (left->breaker_count != right->breaker_count) {
        return false;
    }
    for (size_t i = 0; i < left->breaker_count; i++) {
        if (!breaker_equals(&left->breakers[i], &right->breakers[i])) {
            return false;
        }
    }
    return true;
}
