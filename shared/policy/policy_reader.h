/*
 * One policy file into a model: checks every key and value against the grammar, and says
 * file:line:column, the token, the nearest valid word and the mend for what does not fit.
 */
#ifndef FAILCORE_POLICY_POLICY_READER_H
#define FAILCORE_POLICY_POLICY_READER_H

#include "shared/base/failure.h"
#include "shared/policy/document.h"
#include "shared/policy/model.h"

#define POLICY_RULES_MAX    20000
#define POLICY_PATTERNS_MAX 200000

/*
 * The model and its texts live in `arena`; `source->file` must live as long. `default_name` names
 * a policy without `name:`. -EINVAL with *reterr, or -ENOMEM.
 */
int policy_read(struct str_view text, const struct document_source *source,
                struct str_view default_name, struct arena *arena, struct model **ret_model,
                bool *ret_resolved, struct failure *reterr);

/* Policy and rule names: [a-z0-9_-]+ for policies (+ joins several), and . : / too for rules. */
bool policy_name_is_valid(struct str_view name, bool joined);

#endif
