/*
 * The policy that a run obeyed, from the run's own records: START has its text in full, with the
 * origin of each rule.
 */
#ifndef FAILCORE_CLI_LOG_RUN_POLICY_H
#define FAILCORE_CLI_LOG_RUN_POLICY_H

#include "cli/log/log_view.h"

/* Of a run, and of the run that a record belongs to. -ENOENT: the run has no START, or a START
 * without a policy. */
struct policy;
int run_policy_load(struct log_view *view, const struct run_entry *run, struct policy **ret_policy,
                    struct failure *reterr);
int record_policy_load(struct log_view *view, const struct audit_record *record,
                       struct policy **ret_policy, struct failure *reterr);

/* Where the rule of a record stands: "agent.yaml:12:5"; "" when that is not known. */
struct rule_place {
    char origin[256];
};
void rule_place_find(struct log_view *view, const struct audit_record *record,
                     struct rule_place *ret_place);

#endif
