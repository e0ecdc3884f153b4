/*
 * What nobody should be talked into allowing: names that hold secrets, and files that the host's
 * own tools execute or trust (SECURITY-RULES SR21, SR31). `why` and `learn` never write a rule for
 * one of these; this is advice, the policy decides.
 */
#ifndef FAILCORE_CLI_LOG_SENSITIVE_H
#define FAILCORE_CLI_LOG_SENSITIVE_H

#include "shared/base/str_view.h"

/*
 * "a secret", "a file that git executes"; NULL: nothing is known against it. `changes`: whether
 * the request would change it; files that others trust may be read.
 */
const char *path_sensitivity(struct str_view path, bool changes);

/* The table itself: false behind its end. A pattern holds for the name and all that is below. */
bool sensitive_pattern(size_t index, const char **ret_pattern, bool *ret_changes_only);

#endif
