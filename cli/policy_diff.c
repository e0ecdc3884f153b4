/* failcore policy diff: what changes from one policy to another, setting by setting. */
#include <inttypes.h>
#include <string.h>

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/policy/policy_load.h"
#include "shared/policy/policy_print.h"

static const struct command_table command = {
    .name = "failcore policy diff",
    .synopsis = "[--json] A B",
    .summary = "what changes from policy A to policy B: exit 0 nothing, 77 something",
    .examples = "  failcore policy diff safe ./agent.yaml\n",
    .options = json_call_options,
    .option_count = 2,
};

struct differ {
    bool json;
    size_t changes;
};

/* One change: a line, or a JSON object. */
static void report(struct differ *differ, char sign, enum section section, const char *what,
                   struct str_view value)
{
    const char *word = section_words[section];

    if (differ->json) {
        AUTO(text_buffer_clear) struct text_buffer text = {0};

        text_buffer_printf(&text, "%s{\"change\":\"%s\"", differ->changes == 0 ? "" : ",",
                           sign == '+' ? "added" : "removed");
        append_member_json(&text, "section", str_view_from(word));
        append_member_json(&text, "what", str_view_from(what));
        append_member_json(&text, "value", value);
        text_buffer_append_char(&text, '}');
        fputs(text_buffer_text(&text), stdout);
    } else {
        printf("%c %s%s%s: %.*s\n", sign, word, word[0] == '\0' ? "" : ".", what,
               STR_VIEW_PRINTF(value));
    }
    differ->changes++;
}

static void report_rule(struct differ *differ, char sign, const struct rule *rule)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    rule_print(rule, &text);
    report(differ, sign, rule->section, "rules", text_buffer_view(&text));
}

static void diff_settings(struct differ *differ, const struct model *a, const struct model *b)
{
    char quantity[QUANTITY_TEXT_MAX];

    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const struct setting_value *before = &a->settings[setting];
        const struct setting_value *after = &b->settings[setting];
        const struct setting_row *row = setting_row(setting);

        if (before->said == after->said && (!before->said || before->value == after->value)) {
            continue;
        }
        if (before->said) {
            report(differ, '-', row->section, row->path,
                   str_view_from(setting_format(setting, before->value, quantity)));
        }
        if (after->said) {
            report(differ, '+', row->section, row->path,
                   str_view_from(setting_format(setting, after->value, quantity)));
        }
    }
}

static int compare_items(struct str_view a, struct str_view b)
{
    int order = memcmp(a.bytes, b.bytes, a.length < b.length ? a.length : b.length);

    return order != 0 ? order : a.length < b.length ? -1 : a.length > b.length;
}

/* Both lists are sorted. */
static void diff_list(struct differ *differ, enum text_list list, const struct texts *a,
                      const struct texts *b)
{
    const struct text_list_row *row = text_list_row(list);
    size_t i = 0;
    size_t j = 0;

    while (i < a->count || j < b->count) {
        int order = i == a->count   ? 1
                    : j == b->count ? -1
                                    : compare_items(a->items[i].text, b->items[j].text);

        if (order < 0) {
            report(differ, '-', row->section, row->path, a->items[i].text);
        } else if (order > 0) {
            report(differ, '+', row->section, row->path, b->items[j].text);
        }
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
}

static void diff_rules(struct differ *differ, const struct model *a, const struct model *b)
{
    size_t i = 0;
    size_t j = 0;

    while (i < a->rule_count || j < b->rule_count) {
        int order = i == a->rule_count   ? 1
                    : j == b->rule_count ? -1
                                         : rule_compare(&a->rules[i], &b->rules[j]);

        if (order < 0) {
            report_rule(differ, '-', &a->rules[i]);
        } else if (order > 0) {
            report_rule(differ, '+', &b->rules[j]);
        }
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
    }
}

static void report_breakers(struct differ *differ, char sign, const struct model *model,
                            const struct model *other)
{
    for (size_t i = 0; i < model->breaker_count; i++) {
        const struct breaker_rule *breaker = &model->breakers[i];
        char within[QUANTITY_TEXT_MAX];
        char text[128];
        bool there = false;

        for (size_t j = 0; j < other->breaker_count; j++) {
            const struct breaker_rule *same = &other->breakers[j];

            there =
                there || (same->event == breaker->event && same->count == breaker->count &&
                          same->within_ms == breaker->within_ms && same->action == breaker->action);
        }
        if (!there) {
            snprintf(text, sizeof(text), "%s %" PRIu64 " within %s: %s",
                     breaker_event_words[breaker->event], breaker->count,
                     quantity_format(QUANTITY_DURATION, breaker->within_ms, within),
                     breaker_action_words[breaker->action]);
            report(differ, sign, SECTION_TOP, "breaker", str_view_from(text));
        }
    }
}

static void diff_models(struct differ *differ, const struct model *a, const struct model *b)
{
    for (enum section section = SECTION_FILESYSTEM; section < SECTION_COUNT; section++) {
        if (a->present[section] != b->present[section]) {
            report(differ, b->present[section] ? '+' : '-', SECTION_TOP, section_words[section],
                   STR_VIEW_LITERAL("the section"));
        }
    }
    diff_settings(differ, a, b);
    for (enum text_list list = 0; list < LIST_COUNT; list++) {
        diff_list(differ, list, &a->lists[list], &b->lists[list]);
    }
    diff_rules(differ, a, b);
    report_breakers(differ, '-', a, b);
    report_breakers(differ, '+', b, a);
}

int verb_policy_diff(int argc, char **argv)
{
    AUTO(policy_release) struct policy *a = NULL;
    AUTO(policy_release) struct policy *b = NULL;
    struct differ differ = {0};
    struct json_call call;
    struct failure failure = {0};
    int error;
    int code = json_call_scan(&command, argc, argv, 2, 2, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    error = policy_load((const char *const *)&call.words[0], 1, &a, &failure);
    if (error == 0) {
        error = policy_load((const char *const *)&call.words[1], 1, &b, &failure);
    }
    if (error < 0) {
        return policy_load_failed(command.name, error, &failure);
    }
    differ.json = call.json;
    fputs(call.json ? "{\"changes\":[" : "", stdout);
    diff_models(&differ, policy_model(a), policy_model(b));
    fputs(call.json ? "]}\n" : "", stdout);
    return differ.changes == 0 ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}
