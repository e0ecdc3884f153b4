/*
 * How policies add up (CONTRACT "Merging"): rules and lists unite; the stricter word and the
 * smaller number win; an absent section or value says nothing. The order never matters.
 */
#ifndef FAILCORE_POLICY_POLICY_MERGE_H
#define FAILCORE_POLICY_POLICY_MERGE_H

#include "shared/base/failure.h"
#include "shared/policy/model.h"

/* Adds `other` to `into`, as equals: rules with the same id and other content stay side by side. */
int model_unite(struct model *into, const struct model *other, struct arena *arena);

/*
 * Adds a child to its united parents: a rule that repeats a parent's id must say override: true
 * and replaces it; override without such a parent, and override of an enforced rule, are errors.
 */
int model_adopt(struct model *parents, const struct model *child, bool resolved,
                struct arena *arena, struct failure *reterr);

/* Brings rules and lists into the canonical order and drops what says the same twice. */
void model_sort(struct model *model);

/* A section that nobody has is closed: enforced rules in it have nothing left to take away. */
void model_close_absent(struct model *model);

#endif
