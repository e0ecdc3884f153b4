#include "shared/policy/breaker_settings.h"

#include "shared/policy/model.h"
#include "shared/policy/policy_load.h"

size_t policy_breaker_count(const struct policy *policy)
{
    return policy_model(policy)->breaker_count;
}

struct policy_breaker policy_breaker_at(const struct policy *policy, size_t index)
{
    const struct breaker_rule *breaker = &policy_model(policy)->breakers[index];

    return (struct policy_breaker){
        .event = breaker->event,
        .action = breaker->action,
        .count = breaker->count,
        .within_ms = breaker->within_ms,
    };
}

const char *breaker_event_word(enum breaker_event event)
{
    return event < BREAKER_EVENT_COUNT ? breaker_event_words[event] : "";
}

const char *breaker_action_word(enum breaker_action action)
{
    return breaker_action_words[action];
}
