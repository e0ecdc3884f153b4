/* failcore policy: the family of verbs about policies, and what they share. */
#include <errno.h>

#include "cli/policy_verbs.h"
#include "cli/verbs.h"
#include "shared/base/exit_codes.h"
#include "shared/base/verb_table.h"

static const struct verb verbs[] = {
#define POLICY_VERB_ROW(name, function, summary) {name, summary, function},
    POLICY_VERB_TABLE(POLICY_VERB_ROW)
#undef POLICY_VERB_ROW
};

int verb_policy(int argc, char **argv)
{
    static const struct verb_table table = {
        .name = "failcore policy",
        .summary = "check, read, compare and test policies",
        .verbs = verbs,
        .count = sizeof(verbs) / sizeof(verbs[0]),
    };

    return verb_table_run(&table, argc, argv);
}

int policy_load_failed(const char *program, int error, const struct failure *failure)
{
    failure_print(stderr, program, failure);
    return error == -ENOMEM ? EXIT_CODE_FAILCORE_FAILED : EXIT_CODE_POLICY_INVALID;
}

const char *decision_word(struct decision decision)
{
    switch (decision.verdict) {
    case VERDICT_ALLOW:
        return "allowed";
    case VERDICT_LOG:
        return "logged";
    case VERDICT_HIDE:
    case VERDICT_DENY:
        break;
    }
    return "blocked";
}

void append_member_json(struct text_buffer *text, const char *name, struct str_view value)
{
    if (value.bytes != NULL) {
        text_buffer_printf(text, ",\"%s\":", name);
        text_buffer_append_json_string(text, value);
    }
}

void append_policy_json(struct text_buffer *text, const struct policy *policy)
{
    text_buffer_append_text(text, "{\"name\":");
    text_buffer_append_json_string(text, policy_name(policy));
    append_member_json(text, "version", policy_revision(policy));
    append_member_json(text, "hash", str_view_from(policy_hash(policy)));
    text_buffer_append_char(text, '}');
}
