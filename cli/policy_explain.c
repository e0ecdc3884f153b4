/* failcore policy explain: one question, one answer, and the rule with its file and line. */
#include <errno.h>
#include <string.h>

#include "cli/json_call.h"
#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/policy/question.h"

static const struct command_table command = {
    .name = "failcore policy explain",
    .synopsis = "[--json] NAME|FILE (fs OP PATH | net HOST|ADDR[:PORT[/PROTO]] | exec PATH)",
    .summary = "what a policy says to one request: exit 0 allowed, 77 denied",
    .examples = "  failcore policy explain safe fs write src/main.c\n"
                "  failcore policy explain agent.yaml net 169.254.169.254:80\n",
    .options = json_call_options,
    .option_count = 2,
};

static void append_net_subject(struct text_buffer *text, const struct question *question)
{
    char address[IP_ADDRESS_TEXT_MAX];

    text_buffer_append(text, question->host);
    if (question->address.family != IP_NONE) {
        ip_address_format(&question->address, address);
        text_buffer_printf(text, question->address.family == IP_V6 ? "%s[%s]" : "%s%s",
                           question->host.bytes == NULL ? "" : "@", address);
    }
    if (question->port != NET_PORT_UNKNOWN) {
        text_buffer_printf(text, ":%u/%s", question->port,
                           question->protocol == NET_TCP   ? "tcp"
                           : question->protocol == NET_UDP ? "udp"
                                                           : "other");
    }
}

static void append_subject(struct text_buffer *text, const struct question *question)
{
    if (question->kind == QUESTION_NET) {
        append_net_subject(text, question);
    } else {
        text_buffer_append(text, question->path);
    }
}

static void print_json(const struct policy *policy, const char *operation,
                       const struct question *question, const struct answer *answer)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer subject = {0};
    struct decision decision = answer->decision;

    append_subject(&subject, question);
    text_buffer_printf(&text, "{\"question\":\"%s\"", question_kind_word(question->kind));
    append_member_json(&text, "op", str_view_from(operation));
    append_member_json(&text, "subject", text_buffer_view(&subject));
    append_member_json(&text, "decision", str_view_from(decision_word(decision)));
    append_member_json(&text, "rule", policy_rule_id(policy, decision.rule));
    append_member_json(&text, "origin", policy_rule_origin(policy, decision.rule));
    if (decision.code != DENIAL_NONE) {
        append_member_json(&text, "code", str_view_from(denial_code_word(decision.code)));
        append_member_json(&text, "errno",
                           str_view_from(strerrorname_np(-decision_errno(decision))));
    }
    append_member_json(&text, "reason", decision.reason);
    if (question->kind == QUESTION_FS && answer->at.length != question->path.length) {
        append_member_json(&text, "at", answer->at);
    }
    text_buffer_append_text(&text, ",\"policy\":");
    append_policy_json(&text, policy);
    text_buffer_append_char(&text, '}');
    puts(text_buffer_text(&text));
}

static void print_text(const struct policy *policy, const char *operation,
                       const struct question *question, const struct answer *answer)
{
    AUTO(text_buffer_clear) struct text_buffer subject = {0};
    struct decision decision = answer->decision;
    struct str_view origin = policy_rule_origin(policy, decision.rule);

    append_subject(&subject, question);
    printf("%s: %s%s%s %s\n", decision_word(decision), question_kind_word(question->kind),
           operation == NULL ? "" : " ", operation == NULL ? "" : operation,
           text_buffer_text(&subject));
    if (question->kind == QUESTION_FS && answer->at.length != question->path.length) {
        printf("  because %.*s cannot be looked up\n", STR_VIEW_PRINTF(answer->at));
    }
    printf("  rule: %.*s%s%.*s%s\n", STR_VIEW_PRINTF(policy_rule_id(policy, decision.rule)),
           origin.length == 0 ? "" : " (", STR_VIEW_PRINTF(origin), origin.length == 0 ? "" : ")");
    if (decision.code != DENIAL_NONE) {
        printf("  code: %s\n", denial_code_word(decision.code));
    }
    if (decision.reason.length > 0) {
        printf("  reason: %.*s\n", STR_VIEW_PRINTF(decision.reason));
    }
}

/* POLICY, kind and the rest of the question. */
static int explain(int count, char **words, bool json)
{
    AUTO(policy_release) struct policy *policy = NULL;
    const char *word = words[0];
    const char *operation = count == 4 ? words[2] : NULL;
    struct failure failure = {0};
    struct question question;
    struct answer answer;
    int error;

    if (question_parse(str_view_from(words[1]), str_view_from(operation),
                       str_view_from(words[count - 1]), &question, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    error = policy_load(&word, 1, &policy, &failure);
    if (error < 0) {
        return policy_load_failed(command.name, error, &failure);
    }
    answer = policy_answer(policy, &question);
    if (json) {
        print_json(policy, operation, &question, &answer);
    } else {
        print_text(policy, operation, &question, &answer);
    }
    return decision_permits(answer.decision) ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}

int verb_policy_explain(int argc, char **argv)
{
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 3, 4, &call);

    if (code == JSON_CALL_GO_ON && call.count != (strcmp(call.words[1], "fs") == 0 ? 4 : 3)) {
        struct failure failure = {0};

        failure_set(&failure, -EINVAL, "the question is not complete");
        failure_set_mend(&failure, "%s %s", command.name, command.synopsis);
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    return code == JSON_CALL_GO_ON ? explain(call.count, call.words, call.json) : code;
}
