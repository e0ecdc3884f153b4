/* failcore policy schema: the grammar that the loader obeys, as JSON Schema. */
#include "shared/policy/grammar_schema.h"

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"

static const struct command_table command = {
    .name = "failcore policy schema",
    .synopsis = "",
    .summary = "JSON Schema (2020-12) of policies, from the table that the loader obeys",
    .examples = "  failcore policy schema > failcore-policy-1.schema.json\n",
    .options = json_call_options,
    .option_count = 2,
};

int verb_policy_schema(int argc, char **argv)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 0, 0, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    grammar_schema_print(&text);
    if (text_buffer_error(&text) < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    fputs(text_buffer_text(&text), stdout);
    return EXIT_CODE_OK;
}
