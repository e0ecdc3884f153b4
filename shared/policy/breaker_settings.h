/*
 * The `breaker` section of a policy, as those who enforce it read it.
 *
 * Ownership: texts are borrowed from the policy.
 */
#ifndef FAILCORE_POLICY_BREAKER_SETTINGS_H
#define FAILCORE_POLICY_BREAKER_SETTINGS_H

#include <stddef.h>

#include "shared/policy/policy.h"

enum breaker_event {
    BREAKER_DELETE = 0,
    BREAKER_OVERWRITE,
    BREAKER_RENAME,
    BREAKER_BLOCKED,
    BREAKER_CONNECT,
    BREAKER_BYTES_OUT,
    BREAKER_EXEC,
    BREAKER_EVENT_COUNT
};
/* In the order of strength: what is stronger comes first. */
enum breaker_action { BREAKER_KILL = 0, BREAKER_FREEZE, BREAKER_READONLY };

struct policy_breaker {
    enum breaker_event event;
    enum breaker_action action;
    uint64_t count; /* so many are permitted; the next is refused */
    uint64_t within_ms;
    uint64_t share; /* percent of what was there that may go at most; 0: not said */
    bool has_exceptions;
    uint64_t scope; /* of its exceptions: the same patterns, the same number; 0 without */
};

size_t policy_breaker_count(const struct policy *policy);
struct policy_breaker policy_breaker_at(const struct policy *policy, size_t index);

/* Whether the path (from the mount root) is one that does not count for it. */
bool policy_breaker_excepts(const struct policy *policy, size_t index, struct str_view path);
/* Whether nothing below the directory `path` counts. */
bool policy_breaker_excepts_below(const struct policy *policy, size_t index, struct str_view path);
/*
 * Whether something that counts at `from` would not count at `to`: what is renamed so could be
 * removed there uncounted. `directory`: what lies below counts as well.
 */
bool policy_breaker_loses(const struct policy *policy, size_t index, struct str_view from,
                          struct str_view to, bool directory);

/* Whether both say the same about breakers. */
bool policy_breakers_equal(const struct policy *a, const struct policy *b);

/* "delete", "freeze"; static. */
const char *breaker_event_word(enum breaker_event event);
const char *breaker_action_word(enum breaker_action action);

#endif
