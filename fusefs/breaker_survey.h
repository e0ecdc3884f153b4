/*
 * How much a mount has that its breaker would count: `share` of a rule is a part of that.
 *
 * A walk through the backing tree, broad first, no further than asked for; what the rule excepts is
 * not entered. Bounded in what it looks at and remembers: past that, what was found so far counts,
 * which can only make the rule narrower. Directories that cannot be read count, their content does
 * not.
 */
#ifndef FAILCORE_FUSEFS_BREAKER_SURVEY_H
#define FAILCORE_FUSEFS_BREAKER_SURVEY_H

#include "fusefs/tree.h"

/* A breaker_survey; the context is a struct tree with its root_fd. */
uint64_t breaker_survey_tree(void *context, const struct policy *policy, size_t number,
                             uint64_t enough);

#endif
