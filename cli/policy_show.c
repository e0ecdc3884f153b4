/* failcore policy show and merge: the policy that programs would obey, in its one canonical form.
 */
#include <errno.h>

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/policy/policy_json.h"

#define WORDS_MAX 64

static const struct command_table show_command = {
    .name = "failcore policy show",
    .synopsis = "[--json] NAME|FILE...",
    .summary =
        "the policy as programs obey it: extends resolved, merged, each rule with its origin",
    .examples = "  failcore policy show safe\n"
                "  failcore policy show --json coding-agent ./mine.yaml\n",
    .options = json_call_options,
    .option_count = 2,
};
static const struct command_table merge_command = {
    .name = "failcore policy merge",
    .synopsis = "[--json] A B...",
    .summary = "several policies as one: what is denied by any stays denied",
    .examples = "  failcore policy merge fs_sandbox net_safe > safe.yaml\n",
    .options = json_call_options,
    .option_count = 2,
};

static int print(const struct command_table *command, const struct json_call *call)
{
    AUTO(policy_release) struct policy *policy = NULL;
    AUTO(text_buffer_clear) struct text_buffer yaml = {0};
    AUTO(text_buffer_clear) struct text_buffer json = {0};
    struct failure failure = {0};
    int error =
        policy_load((const char *const *)call->words, (size_t)call->count, &policy, &failure);

    if (error < 0) {
        return policy_load_failed(command->name, error, &failure);
    }
    error = policy_print(policy, &yaml);
    if (error == 0 && call->json) {
        error = policy_text_to_json(text_buffer_view(&yaml), &json, &failure);
    }
    if (error < 0) {
        failure_set(&failure, error, "out of memory while printing the policy");
        failure_print(stderr, command->name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    fputs(text_buffer_text(call->json ? &json : &yaml), stdout);
    return EXIT_CODE_OK;
}

int verb_policy_show(int argc, char **argv)
{
    struct json_call call;
    int code = json_call_scan(&show_command, argc, argv, 1, WORDS_MAX, &call);

    return code != JSON_CALL_GO_ON ? code : print(&show_command, &call);
}

int verb_policy_merge(int argc, char **argv)
{
    struct json_call call;
    int code = json_call_scan(&merge_command, argc, argv, 2, WORDS_MAX, &call);

    return code != JSON_CALL_GO_ON ? code : print(&merge_command, &call);
}
