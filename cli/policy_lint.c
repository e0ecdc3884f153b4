/* failcore policy lint: what is valid and probably not meant. */
#include "shared/policy/policy_lint.h"

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"

static const struct command_table command = {
    .name = "failcore policy lint",
    .synopsis = "[--json] NAME|FILE",
    .summary =
        "rules that do nothing, secrets left open, names of everybody: exit 77 with findings",
    .examples = "  failcore policy lint agent.yaml\n",
    .options = json_call_options,
    .option_count = 2,
};

struct findings {
    bool json;
    size_t count;
};

static void print(void *context, const struct lint_finding *finding)
{
    struct findings *findings = context;

    if (findings->json) {
        AUTO(text_buffer_clear) struct text_buffer text = {0};

        text_buffer_append_text(&text, findings->count == 0 ? "{\"kind\":" : ",{\"kind\":");
        text_buffer_append_json_string(&text, str_view_from(finding->kind));
        append_member_json(&text, "rule", finding->rule);
        append_member_json(&text, "at", finding->at);
        append_member_json(&text, "message", str_view_from(finding->message));
        text_buffer_append_char(&text, '}');
        fputs(text_buffer_text(&text), stdout);
    } else {
        printf("%s: ", finding->kind);
        if (finding->at.length > 0) {
            printf("%.*s: ", STR_VIEW_PRINTF(finding->at));
        }
        if (finding->rule.length > 0) {
            printf("%.*s: ", STR_VIEW_PRINTF(finding->rule));
        }
        puts(finding->message);
    }
    findings->count++;
}

int verb_policy_lint(int argc, char **argv)
{
    AUTO(policy_release) struct policy *policy = NULL;
    struct findings findings = {0};
    struct json_call call;
    struct failure failure = {0};
    int error;
    int code = json_call_scan(&command, argc, argv, 1, 1, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    error = policy_load((const char *const *)call.words, 1, &policy, &failure);
    if (error < 0) {
        return policy_load_failed(command.name, error, &failure);
    }
    findings.json = call.json;
    fputs(call.json ? "{\"findings\":[" : "", stdout);
    policy_lint(policy, print, &findings);
    fputs(call.json ? "]}\n" : "", stdout);
    if (!call.json && findings.count == 0) {
        printf("%s: nothing to complain about\n", call.words[0]);
    }
    return findings.count == 0 ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}
