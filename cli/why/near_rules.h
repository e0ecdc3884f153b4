/*
 * The rules that nearly allowed a refused request: the run's own policy is asked again with one
 * thing changed. A path with another operation, as another name of its directory, as a directory
 * above; a host at another port, as a domain above. Answers the same for the same record.
 *
 * Nothing is said of requests that no rule may allow: special addresses, counts, reserved names.
 */
#ifndef FAILCORE_CLI_WHY_NEAR_RULES_H
#define FAILCORE_CLI_WHY_NEAR_RULES_H

#include "shared/audit/record_reader.h"
#include "shared/policy/policy.h"

#define NEAR_RULES_MAX 3U

struct near_rule {
    rule_id rule;
    struct text_buffer allows; /* "read of this path", bytes of the workload in it */
};

struct near_rules {
    struct near_rule rules[NEAR_RULES_MAX]; /* no rule twice, the nearest first */
    size_t count;
};

void near_rules_find(const struct policy *policy, const struct audit_record *record,
                     struct near_rules *ret_near);
void near_rules_clear(struct near_rules *near);

#endif
