/*
 * What nobody should be talked into allowing: names that hold secrets, and files that the host's
 * own tools execute or trust (SECURITY-RULES SR21, SR31). `why` and `learn` never write a rule for
 * one of these; this is advice, the policy decides.
 */
#ifndef FAILCORE_CLI_LOG_SENSITIVE_H
#define FAILCORE_CLI_LOG_SENSITIVE_H

#include "shared/base/str_view.h"

/* "a secret", "a file that git executes"; NULL: nothing is known against it. */
const char *path_sensitivity(struct str_view path);

#endif
