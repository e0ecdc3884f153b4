/* A model in its one canonical form: sorted, explicit, and the same for the same policy. */
#ifndef FAILCORE_POLICY_POLICY_PRINT_H
#define FAILCORE_POLICY_POLICY_PRINT_H

#include "shared/base/text_buffer.h"
#include "shared/policy/model.h"

/* The model must be sorted. Origins are left out of what is hashed. */
void model_print(const struct model *model, bool origins, struct text_buffer *text);

/* One rule in flow form, without its origin. */
void rule_print(const struct rule *rule, struct text_buffer *text);

/* A double-quoted YAML scalar that JSON reads alike. */
void text_buffer_append_yaml_string(struct text_buffer *text, struct str_view value);

#endif
