/*
 * What is valid and probably not meant: rules that can never decide, secrets that can be read,
 * names that are everybody's. Each rule is judged by samples of what its own patterns match.
 */
#ifndef FAILCORE_POLICY_POLICY_LINT_H
#define FAILCORE_POLICY_POLICY_LINT_H

#include "shared/policy/policy.h"

struct lint_finding {
    const char *kind;     /* "shadowed", "unreachable", "secrets", … for programs */
    struct str_view rule; /* absent: about the policy */
    struct str_view at;   /* file:line:column; absent: nowhere */
    const char *message;  /* borrowed for the call */
};

typedef void lint_report(void *context, const struct lint_finding *finding);

void policy_lint(const struct policy *policy, lint_report *report, void *context);

#endif
