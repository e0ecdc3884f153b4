/* failcore policy classify: which built-in range an address lies in. */
#include <errno.h>

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/policy/address_ranges.h"

static const struct command_table command = {
    .name = "failcore policy classify",
    .synopsis = "[--json] ADDRESS",
    .summary = "public, or the special-purpose range of an address: exit 0 public, 77 not",
    .examples = "  failcore policy classify 169.254.169.254\n"
                "  failcore policy classify 64:ff9b::10.0.0.1\n",
    .options = json_call_options,
    .option_count = 2,
};

static void print_json(const char *address, const char *inner, const struct address_range *range)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_append_text(&text, "{\"address\":");
    text_buffer_append_json_string(&text, str_view_from(address));
    append_member_json(&text, "embedded", str_view_from(inner));
    append_member_json(&text, "class", str_view_from(range == NULL ? "public" : "special"));
    if (range != NULL) {
        append_member_json(&text, "range", str_view_from(range->text));
        append_member_json(&text, "label", str_view_from(range->label));
    }
    text_buffer_append_char(&text, '}');
    puts(text_buffer_text(&text));
}

int verb_policy_classify(int argc, char **argv)
{
    struct json_call call;
    struct failure failure = {0};
    struct ip_address address;
    struct ip_address inner;
    const struct address_range *range;
    char text[IP_ADDRESS_TEXT_MAX];
    char inner_text[IP_ADDRESS_TEXT_MAX];
    bool embeds;
    int code = json_call_scan(&command, argc, argv, 1, 1, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    if (ip_address_parse(str_view_from(call.words[0]), &address) < 0) {
        failure_set(&failure, -EINVAL, "\"%s\" is not an address", call.words[0]);
        failure_set_mend(&failure,
                         "write 192.0.2.7 or 2001:db8::1; names are resolved by the guard "
                         "only");
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    range = address_range_find(&address);
    embeds = address_embedded_v4(&address, &inner);
    ip_address_format(&address, text);
    if (embeds) {
        ip_address_format(&inner, inner_text);
    }
    if (call.json) {
        print_json(text, embeds ? inner_text : NULL, range);
    } else {
        printf("%s: %s\n", text, range == NULL ? "public" : range->reason);
        if (embeds) {
            printf("  it carries %s\n", inner_text);
        }
    }
    return range == NULL ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}
