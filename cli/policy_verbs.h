/* The verbs of `failcore policy`, one row each; each is a file of cli/. */
#ifndef FAILCORE_CLI_POLICY_VERBS_H
#define FAILCORE_CLI_POLICY_VERBS_H

#include "shared/policy/policy.h"

/* name, function, summary */
#define POLICY_VERB_TABLE(ROW)                                                                     \
    ROW("check", verb_policy_check, "is a policy valid; file, line and column when it is not")     \
    ROW("show", verb_policy_show, "the policy as programs obey it")                                \
    ROW("list", verb_policy_list, "the installed policies")                                        \
    ROW("explain", verb_policy_explain, "what a policy says to one request, and which rule")       \
    ROW("learn", verb_policy_learn, "the least policy that would have allowed a run")              \
    ROW("test", verb_policy_test, "run the cases that a policy brings")                            \
    ROW("lint", verb_policy_lint, "rules that do nothing, and what is probably not meant")         \
    ROW("diff", verb_policy_diff, "what changes from one policy to another")                       \
    ROW("merge", verb_policy_merge, "several policies as one")                                     \
    ROW("schema", verb_policy_schema, "the JSON Schema of policies, for editors")                  \
    ROW("import", verb_policy_import, "a policy of an older dialect in this one's words")          \
    ROW("classify", verb_policy_classify, "public, or the special-purpose range of an address")

#define POLICY_VERB_DECLARE(name, function, summary) int function(int argc, char **argv);
POLICY_VERB_TABLE(POLICY_VERB_DECLARE)
#undef POLICY_VERB_DECLARE

/* The exit code for a policy that could not be loaded, after printing why. */
int policy_load_failed(const char *program, int error, const struct failure *failure);

/* Words in the log's sense: "allowed", "logged" and "blocked". */
const char *decision_word(struct decision decision);

/* {"name":…,"version":…,"hash":…} */
void append_policy_json(struct text_buffer *text, const struct policy *policy);
/* ,"name":"value"; nothing for an absent text. */
void append_member_json(struct text_buffer *text, const char *name, struct str_view value);

#endif
