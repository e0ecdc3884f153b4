/* One rule of a policy file: its keys as they come, then its defaults and what must fit together.
 */
#ifndef FAILCORE_POLICY_RULE_READER_H
#define FAILCORE_POLICY_RULE_READER_H

#include "shared/policy/grammar.h"
#include "shared/policy/pair_map.h"
#include "shared/policy/scalar_value.h"

struct rule_draft {
    struct rule *rule;
    size_t prefix_capacity, port_capacity, pattern_capacity;
    const struct node *hosts, *addresses, *operations, *ports, *protocols, *name_check, *private_;
    const struct node *enforce;
};

int rule_draft_read(struct rule_draft *draft, const struct value_context *context,
                    const struct key *key, const struct node *value);
int rule_draft_finish(struct rule_draft *draft, const struct value_context *context,
                      const struct node *node);

/* No id twice in one section of one file. */
struct rule_ids {
    struct text_map seen[3]; /* filesystem, network, process */
};
int rule_ids_add(struct rule_ids *ids, const struct value_context *context, const struct rule *rule,
                 const struct node *node);
void rule_ids_clear(struct rule_ids *ids);

#endif
