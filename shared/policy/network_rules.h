/*
 * The network rules of a policy, indexed: names by hash of each suffix at a label boundary,
 * addresses by hash of each prefix length in use. A question touches the rules that match it and
 * no others, and allocates nothing.
 */
#ifndef FAILCORE_POLICY_NETWORK_RULES_H
#define FAILCORE_POLICY_NETWORK_RULES_H

#include "shared/policy/model.h"

struct network_rules;

/* Rules are the model's, and borrowed. -ENOMEM. */
int network_rules_new(const struct model *model, struct network_rules **ret_rules);
void network_rules_free(struct network_rules *rules);

struct decision network_rules_decide(const struct network_rules *rules,
                                     const struct net_request *request);

#endif
