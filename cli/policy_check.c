/* failcore policy check: loads a policy as every program does, with what it extends. */
#include <errno.h>

#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/option_table.h"
#include "shared/policy/policy_load.h"

enum { OPTION_JSON = 1, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_JSON, 0, "json", NULL, "one JSON object a policy"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore policy check",
    .synopsis = "[--json] FILE|NAME|-...",
    .summary = "is a policy valid; exit 65 with file:line:column when it is not",
    .examples = "  failcore policy check agent.yaml\n"
                "  generate-policy | failcore policy check -\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
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
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    bool json = false;
    int worst = EXIT_CODE_OK;
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, &command);
            return EXIT_CODE_OK;
        }
        json = true;
    }
    if (id == 0 && scan.next == argc) {
        id = failure_set(&failure, -EINVAL, "no policy is named");
        failure_set_mend(&failure, "failcore policy check FILE");
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    for (int i = scan.next; i < argc; i++) {
        int code = check(argv[i], json);

        worst = code > worst ? code : worst;
    }
    return worst;
}
