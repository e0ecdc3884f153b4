#include "shared/policy/policy_lint.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/policy/address_ranges.h"
#include "shared/policy/glob_token.h"
#include "shared/policy/host_registry.h"
#include "shared/policy/path_pattern.h"
#include "shared/policy/policy_load.h"
#include "shared/policy/question.h"

#define SAMPLE_MAX 8192

struct linter {
    const struct policy *policy;
    const struct model *model;
    lint_report *report;
    void *context;
};

__attribute__((format(printf, 4, 5))) static void find(const struct linter *linter,
                                                       const char *kind, const struct rule *rule,
                                                       const char *format, ...)
{
    char message[1024];
    struct lint_finding finding = {.kind = kind, .message = message};
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (rule != NULL) {
        finding.rule = rule->id;
        finding.at = rule->origin_text;
    }
    linter->report(linter->context, &finding);
}

/* ---- samples of what a pattern matches ------------------------------------------------------ */

struct sampler {
    const struct linter *linter;
    const struct rule *rule;
    uint32_t index;
    bool decides;                 /* some sample is decided by the rule */
    bool reaches;                 /* some sample can be reached */
    struct decision instead;      /* what decided a sample that the rule did not */
    char sample[SAMPLE_MAX + 2];  /* that sample */
    char blocked[SAMPLE_MAX + 2]; /* the ancestor of a sample that cannot be looked up */
};

static size_t sample_glob(struct str_view glob, char *text)
{
    struct glob_token token;
    const char *problem;
    size_t length = 0;

    while (glob_token_next(&glob, &token, &problem) > 0) {
        switch (token.kind) {
        case GLOB_BYTE:
            text[length++] = (char)token.byte;
            break;
        case GLOB_ANY_BYTE:
            text[length++] = 'z';
            break;
        case GLOB_STAR:
            memcpy(text + length, "zz", 2);
            length += 2;
            break;
        case GLOB_CLASS:
            for (unsigned int byte = 'z'; byte > ' '; byte--) {
                if (byte_set_has(&token.set, byte)) {
                    text[length++] = (char)byte;
                    break;
                }
            }
            break;
        }
    }
    return length;
}

/* One path that the components match; `deep` names stand for each `**` that is not the last. */
static bool sample_path(const struct path_component *components, size_t count, size_t deep,
                        char text[static SAMPLE_MAX])
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        const struct path_component *component = &components[i];

        if (component->kind == PATH_DEEP && deep == 0 && i + 1 < count) {
            continue;
        }
        if (length + 2 * component->text.length + 16 > SAMPLE_MAX) {
            return false;
        }
        if (length > 0) {
            text[length++] = '/';
        }
        switch (component->kind) {
        case PATH_LITERAL:
            memcpy(text + length, component->text.bytes, component->text.length);
            length += component->text.length;
            break;
        case PATH_GLOB:
            length += sample_glob(component->text, text + length);
            break;
        case PATH_ANY:
        case PATH_DEEP:
            memcpy(text + length, "zzz", 3);
            length += 3;
            break;
        }
    }
    text[length] = '\0';
    return true;
}

static void judge_path(struct sampler *sampler, const char *path)
{
    struct question question = {.kind = QUESTION_FS, .path = str_view_from(path)};

    for (unsigned int operation = 0; operation < FS_LOOKUP && !sampler->decides; operation++) {
        struct answer answer;

        if ((sampler->rule->operations >> operation & 1) == 0) {
            continue;
        }
        question.operation = (enum fs_operation)operation;
        answer = policy_answer(sampler->linter->policy, &question);
        if (answer.at.length != question.path.length) {
            snprintf(sampler->blocked, sizeof(sampler->blocked), "%.*s",
                     STR_VIEW_PRINTF(answer.at));
            snprintf(sampler->sample, sizeof(sampler->sample), "%s", path);
            continue;
        }
        sampler->reaches = true;
        sampler->decides = answer.decision.rule.index == sampler->index;
        if (!sampler->decides) {
            sampler->instead = answer.decision;
            snprintf(sampler->sample, sizeof(sampler->sample), "%s", path);
        }
    }
}

static int judge_components(void *context, const struct path_component *components, size_t count)
{
    struct sampler *sampler = context;
    char path[SAMPLE_MAX + 1] = "/";

    for (size_t deep = 0; deep < 2 && !sampler->decides; deep++) {
        if (!sample_path(components, count, deep, path + 1)) {
            continue;
        }
        if (sampler->rule->section == SECTION_FILESYSTEM) {
            judge_path(sampler, path + 1);
            continue;
        }
        sampler->instead = policy_decide_exec(sampler->linter->policy, str_view_from(path));
        sampler->reaches = true;
        sampler->decides = sampler->instead.rule.index == sampler->index;
        snprintf(sampler->sample, sizeof(sampler->sample), "%s", path);
    }
    return 0;
}

static void judge_host(struct sampler *sampler, struct str_view pattern)
{
    struct net_request request = {
        .port = sampler->rule->ports[0].first,
        .protocol = (sampler->rule->protocols & PROTOCOL_BIT(NET_TCP)) != 0 ? NET_TCP : NET_UDP,
        .name_count = 1,
    };
    struct str_view name;

    snprintf(sampler->sample, sizeof(sampler->sample), "%s%.*s",
             pattern.bytes[0] != '*' ? ""
             : pattern.length == 1   ? "zzz.example"
                                     : "zzz",
             (int)(pattern.length - (pattern.bytes[0] == '*' ? 1 : 0)),
             pattern.bytes + (pattern.bytes[0] == '*' ? 1 : 0));
    name = str_view_from(sampler->sample);
    request.names = &name;
    sampler->instead = policy_decide_net(sampler->linter->policy, &request);
    sampler->reaches = true;
    sampler->decides = sampler->decides || sampler->instead.rule.index == sampler->index;
}

static void judge_prefix(struct sampler *sampler, const struct ip_prefix *prefix)
{
    struct net_request request = {
        .address = prefix->address,
        .port = sampler->rule->ports[0].first,
        .protocol = (sampler->rule->protocols & PROTOCOL_BIT(NET_TCP)) != 0 ? NET_TCP : NET_UDP,
    };

    ip_prefix_format(prefix, sampler->sample);
    sampler->instead = policy_decide_net(sampler->linter->policy, &request);
    sampler->reaches = true;
    sampler->decides = sampler->decides || sampler->instead.rule.index == sampler->index;
}

static void lint_reach(const struct linter *linter, uint32_t index)
{
    const struct rule *rule = &linter->model->rules[index];
    struct sampler sampler = {.linter = linter, .rule = rule, .index = index};
    struct path_pattern_problem problem;

    for (size_t i = 0; i < rule->pattern_count && !sampler.decides; i++) {
        if (rule->section == SECTION_NETWORK) {
            judge_host(&sampler, rule->patterns[i]);
        } else {
            (void)path_pattern_expand(rule->patterns[i], judge_components, &sampler, &problem);
        }
    }
    for (size_t i = 0; i < rule->prefix_count && !sampler.decides; i++) {
        judge_prefix(&sampler, &rule->prefixes[i]);
    }
    if (sampler.decides) {
        return;
    }
    if (!sampler.reaches) {
        /* A deny of what cannot be reached anyway is caution, not a mistake. */
        if (rule->action == VERDICT_ALLOW || rule->action == VERDICT_LOG) {
            find(linter, "unreachable", rule,
                 "nothing that this rule allows can be reached: %s cannot be looked up on the way "
                 "to %s",
                 sampler.blocked, sampler.sample);
        }
        return;
    }
    find(linter, "shadowed", rule, "this rule decides nothing: %s is decided by %.*s",
         sampler.sample, STR_VIEW_PRINTF(policy_rule_id(linter->policy, sampler.instead.rule)));
}

/* ---- what is probably not meant ------------------------------------------------------------- */

static void lint_network_rule(const struct linter *linter, const struct rule *rule)
{
    if (rule->action == VERDICT_DENY) {
        return;
    }
    for (size_t i = 0; i < rule->pattern_count; i++) {
        struct str_view name = rule->patterns[i];
        bool starred = name.bytes[0] == '*';

        if (starred && name.length > 2) {
            name.bytes += 2;
            name.length -= 2;
            if (host_name_public_suffix(name) == SUFFIX_PROVIDER) {
                find(linter, "public-suffix", rule,
                     "*.%.*s is everybody who has a site there: name the ones that are wanted",
                     STR_VIEW_PRINTF(name));
            }
        } else if (!starred && !host_name_is_dotted(name)) {
            find(linter, "single-label", rule,
                 "%.*s has no dot: what it resolves to depends on "
                 "the search list of the host",
                 STR_VIEW_PRINTF(name));
        }
    }
    if (rule->pattern_count > 0 && rule->name_check_said &&
        rule->name_check == NAME_CHECK_ADDRESS_ONLY) {
        find(linter, "address-only", rule,
             "the name inside the flow is not checked: any site at the same address passes");
    }
    for (size_t i = 0; rule->allow_private && i < rule->prefix_count; i++) {
        static const char *const metadata[] = {"169.254.169.254", "168.63.129.16",
                                               "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"};
        struct ip_address address;

        for (size_t m = 0; m < sizeof(metadata) / sizeof(metadata[0]); m++) {
            if (ip_address_parse(str_view_from(metadata[m]), &address) == 0 &&
                ip_prefix_contains(&rule->prefixes[i], &address)) {
                find(linter, "metadata", rule,
                     "this opens the metadata service at %s: it hands out "
                     "credentials of the machine",
                     metadata[m]);
            }
        }
    }
}

/* Signs of other pattern languages that are ordinary characters of a name here: the rule can only
 * match a file that is really called so. */
static void lint_path_rule(const struct linter *linter, const struct rule *rule)
{
    static const struct {
        char first;
        const char *what;
        const char *mend;
    } signs[] = {
        {'~', "~ is not the home directory", "write the path from the root of the mount"},
        {'!', "! does not turn a pattern round", "write a rule of its own with the other action"},
        {'$', "variables are not expanded", "write the path from the root of the mount"},
        {'#', "# does not begin a comment inside a pattern", "leave it out"},
    };

    for (size_t i = 0; i < rule->pattern_count; i++) {
        for (size_t s = 0; s < sizeof(signs) / sizeof(signs[0]); s++) {
            if (path_pattern_trim(rule->patterns[i]).bytes[0] == signs[s].first) {
                find(linter, "literal", rule,
                     "\"%.*s\" only matches a name that begins with %c: %s; %s, or write \\%c for "
                     "the character",
                     STR_VIEW_PRINTF(rule->patterns[i]), signs[s].first, signs[s].what,
                     signs[s].mend, signs[s].first);
            }
        }
    }
}

static void lint_secrets(const struct linter *linter)
{
    static const char *const secrets[] = {".env",
                                          "id_rsa",
                                          "key.pem",
                                          ".netrc",
                                          ".aws/credentials",
                                          ".ssh/id_ed25519",
                                          ".git-credentials",
                                          "server.key"};
    char readable[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        struct question question = {
            .kind = QUESTION_FS, .operation = FS_READ, .path = str_view_from(secrets[i])};

        if (decision_permits(policy_answer(linter->policy, &question).decision) &&
            used < sizeof(readable)) {
            used += (size_t)snprintf(readable + used, sizeof(readable) - used, "%s%s",
                                     used == 0 ? "" : ", ", secrets[i]);
        }
    }
    if (used > 0) {
        find(linter, "secrets", NULL,
             "secrets can be read where they usually lie: %s; extend fs_sandbox, or deny them",
             readable);
    }
}

static void lint_git(const struct linter *linter)
{
    static const char *const files[] = {".git/config", ".git/hooks/pre-commit",
                                        ".vscode/tasks.json", ".envrc"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct question question = {
            .kind = QUESTION_FS, .operation = FS_CREATE, .path = str_view_from(files[i])};

        if (decision_permits(policy_answer(linter->policy, &question).decision)) {
            find(linter, "self-executing", NULL,
                 "%s can be written: tools of the host execute what it says; extend fs_sandbox",
                 files[i]);
        }
    }
}

void policy_lint(const struct policy *policy, lint_report *report, void *context)
{
    struct linter linter = {
        .policy = policy, .model = policy_model(policy), .report = report, .context = context};
    const struct setting_value *violation = &linter.model->settings[SETTING_ON_VIOLATION];

    for (uint32_t i = 0; i < linter.model->rule_count; i++) {
        lint_reach(&linter, i);
        if (linter.model->rules[i].section == SECTION_NETWORK) {
            lint_network_rule(&linter, &linter.model->rules[i]);
        } else {
            lint_path_rule(&linter, &linter.model->rules[i]);
        }
    }
    for (size_t i = 0; i < linter.model->dropped_native.count; i++) {
        find(&linter, "native", NULL,
             "native: %.*s is not bound natively: a rule can match below, or not all is allowed",
             STR_VIEW_PRINTF(linter.model->dropped_native.items[i].text));
    }
    if (policy_fs_settings(policy).outside_links == OUTSIDE_LINKS_COPY_UP) {
        find(&linter, "copy-up", NULL,
             "outside_links: copy_up makes no copy in this version: such files are refused, as by "
             "refuse");
    }
    if (violation->said && violation->value == 1) {
        find(&linter, "log-only", NULL,
             "on_violation: log blocks nothing that a policy could allow");
    } else {
        lint_secrets(&linter);
        lint_git(&linter);
    }
}
