/* failcore policy check: loads a policy as every program does, with what it extends. */
#include <errno.h>
#include <limits.h>

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/policy/policy_load.h"

static const struct command_table command = {
    .name = "failcore policy check",
    .synopsis = "[--json] FILE|NAME|-...",
    .summary = "is a policy valid; exit 65 with file:line:column when it is not",
    .examples = "  failcore policy check agent.yaml\n"
                "  generate-policy | failcore policy check -\n",
    .options = json_call_options,
    .option_count = 2,
};

static void print_json(const char *word, const struct policy *policy, const struct failure *failure)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_append_text(&text, "{\"file\":");
    text_buffer_append_json_string(&text, str_view_from(word));
    if (policy != NULL) {
        text_buffer_append_text(&text, ",\"valid\":true,\"policy\":");
        append_policy_json(&text, policy);
        text_buffer_printf(&text, ",\"rules\":%zu", policy_model(policy)->rule_count);
    } else {
        text_buffer_append_text(&text, ",\"valid\":false");
        append_member_json(&text, "error", str_view_from(failure->what));
        append_member_json(&text, "at", str_view_from(failure->needed));
        append_member_json(&text, "mend", str_view_from(failure->mend));
    }
    text_buffer_append_char(&text, '}');
    puts(text_buffer_text(&text));
}

static int check(const char *word, bool json)
{
    AUTO(policy_release) struct policy *policy = NULL;
    struct failure failure = {0};
    int error = policy_load(&word, 1, &policy, &failure);

    if (json) {
        print_json(word, policy, &failure);
    }
    if (error < 0) {
        return policy_load_failed(command.name, error, &failure);
    }
    if (!json) {
        printf("%s: valid: policy %.*s, %zu rules, hash %s\n", word,
               STR_VIEW_PRINTF(policy_name(policy)), policy_model(policy)->rule_count,
               policy_hash(policy));
    }
    return EXIT_CODE_OK;
}

int verb_policy_check(int argc, char **argv)
{
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 1, INT_MAX, &call);
    int worst = EXIT_CODE_OK;

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    for (int i = 0; i < call.count; i++) {
        code = check(call.words[i], call.json);
        worst = code > worst ? code : worst;
    }
    return worst;
}
