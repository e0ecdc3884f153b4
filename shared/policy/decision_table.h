/*
 * Decision tables: questions with the answers they must have, one row a line, as a security
 * person reads them. NAME.expect lies beside NAME.yaml.
 *
 *     # comment
 *     fs write src/.env          -> deny secrets PATH_DENIED
 *     fs read "a name/with blanks" -> allow
 *     net example.org@10.0.0.1:443 -> deny builtin DNS_REBINDING
 *
 * The rule and the code may be left out.
 */
#ifndef FAILCORE_POLICY_DECISION_TABLE_H
#define FAILCORE_POLICY_DECISION_TABLE_H

#include "shared/policy/document.h"
#include "shared/policy/question.h"

struct expectation {
    struct question question;
    enum verdict verdict;
    bool any_refusal;     /* hide is as good as deny, log as good as allow */
    struct str_view rule; /* absent: any */
    struct str_view code; /* absent: any */
    size_t line;
};

/* NULL-terminated text is not needed. -EINVAL with *reterr naming file:line. The expectations
 * live in the arena and borrow from the text. */
int decision_table_parse(struct str_view text, const struct document_source *source,
                         struct arena *arena, struct expectation **ret_rows, size_t *ret_count,
                         struct failure *reterr);

/* Does the policy answer as expected; *ret_answer either way. */
bool expectation_holds(const struct policy *policy, const struct expectation *expectation,
                       struct answer *ret_answer);

#endif
