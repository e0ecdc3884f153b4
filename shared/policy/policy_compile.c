/* From a model to what decides: automata, the index of network rules, settings, the hash. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/cleanup.h"
#include "shared/crypto/sha256.h"
#include "shared/policy/policy_layout.h"
#include "shared/policy/policy_load.h"
#include "shared/policy/policy_print.h"

static bool says(const struct model *model, enum setting setting, uint64_t value)
{
    return model->settings[setting].said && model->settings[setting].value == value;
}

/* The default of a process section that says nothing is to allow. */
static enum verdict default_of(const struct model *model, enum section section)
{
    if (section == SECTION_PROCESS) {
        return says(model, SETTING_PROCESS_DEFAULT, 0) ? VERDICT_DENY : VERDICT_ALLOW;
    }
    return says(model, SETTING_FS_DEFAULT, 1) ? VERDICT_ALLOW : VERDICT_DENY;
}

static int compile_paths(const struct model *model, enum section section,
                         struct path_automaton **ret_automaton)
{
    AUTO_FREE struct path_rule *rules = calloc(model->rule_count + 1, sizeof(*rules));
    struct path_section input = {
        .rules = rules,
        .otherwise = default_of(model, section),
        .log_violations = says(model, SETTING_ON_VIOLATION, 1) &&
                          (section == SECTION_PROCESS || model->present[section]),
    };

    if (rules == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < model->rule_count; i++) {
        const struct rule *rule = &model->rules[i];

        if (rule->section == section) {
            rules[input.rule_count++] = (struct path_rule){
                .rule = (uint32_t)i,
                .action = rule->action,
                .enforced = rule->enforced,
                .operations = rule->operations,
                .patterns = rule->patterns,
                .pattern_count = rule->pattern_count,
            };
        }
    }
    return path_automaton_new(&input, ret_automaton);
}

/* SR18: only what the automaton proves free of rules may be bound past the mount. */
static int drop_restricted_trees(struct policy *policy)
{
    struct texts *native = &policy->model->lists[LIST_NATIVE];
    size_t kept = 0;
    int error = 0;

    for (size_t i = 0; error == 0 && i < native->count; i++) {
        struct str_view tree = native->items[i].text;
        const struct policy_state *state;

        if (str_view_ends_with(tree, STR_VIEW_LITERAL("/**"))) {
            tree.length -= 3;
        }
        state = path_automaton_walk(policy->filesystem, tree);
        if (path_automaton_unrestricted_below(policy->filesystem, state)) {
            native->items[kept++] = native->items[i];
        } else {
            error = texts_add(&policy->model->dropped_native, &policy->arena, native->items[i]);
        }
        policy_state_unref(state);
    }
    native->count = kept;
    return error;
}

/* A path of the host that a deny or hide rule names is not offered by the sandbox lists. */
static void drop_denied_paths(struct policy *policy, enum text_list list)
{
    struct texts *texts = &policy->model->lists[list];
    size_t kept = 0;

    for (size_t i = 0; i < texts->count; i++) {
        const struct policy_state *state =
            path_automaton_walk(policy->filesystem, texts->items[i].text);
        enum verdict verdict = policy_state_verdict(state, FS_READ);
        bool denied = policy_state_rule(state, FS_READ).index != RULE_DEFAULT.index &&
                      (verdict == VERDICT_DENY || verdict == VERDICT_HIDE);

        if (!denied) {
            texts->items[kept++] = texts->items[i];
        }
        policy_state_unref(state);
    }
    texts->count = kept;
}

static int hash_model(const struct model *model, char hash[static POLICY_HASH_DIGITS + 1])
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct sha256 *sha = sha256_new();
    uint8_t digest[SHA256_SIZE];
    char digits[SHA256_HEX_SIZE];
    int error = -ENOMEM;

    model_print(model, false, &text);
    if (sha != NULL && text_buffer_error(&text) == 0) {
        error = sha256_of(sha, text_buffer_text(&text), text.length, digest);
    }
    sha256_free(sha);
    if (error < 0) {
        return error;
    }
    hex_encode(digest, SHA256_SIZE, digits);
    memcpy(hash, digits, POLICY_HASH_DIGITS);
    hash[POLICY_HASH_DIGITS] = '\0';
    return 0;
}

/* What a breaker rule excepts is what this automaton allows. */
static int compile_exceptions(struct policy *policy)
{
    const struct model *model = policy->model;
    int error = 0;

    policy->exceptions = calloc(model->breaker_count + 1, sizeof(*policy->exceptions));
    if (policy->exceptions == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; error == 0 && i < model->breaker_count; i++) {
        const struct path_rule rule = {
            .action = VERDICT_ALLOW,
            .operations = PATH_ALL_OPERATIONS,
            .patterns = model->breakers[i].except,
            .pattern_count = model->breakers[i].except_count,
        };
        const struct path_section section = {.rules = &rule, .rule_count = 1};

        if (rule.pattern_count > 0) {
            error = path_automaton_new(&section, &policy->exceptions[i]);
        }
    }
    return error;
}

static int compile(struct policy *policy)
{
    struct model *model = policy->model;
    int error = compile_paths(model, SECTION_FILESYSTEM, &policy->filesystem);

    if (error == 0) {
        error = compile_paths(model, SECTION_PROCESS, &policy->process);
    }
    if (error == 0) {
        error = compile_exceptions(policy);
    }
    if (error == 0) {
        error = network_rules_new(model, &policy->network);
    }
    for (size_t i = 0; error == 0 && i < model->rule_count; i++) {
        struct rule *rule = &model->rules[i];

        if (rule->origin_text.bytes == NULL) {
            rule->origin_text = origin_text(&policy->arena, &rule->origin);
            error = rule->origin_text.bytes == NULL && rule->origin.file != NULL ? -ENOMEM : 0;
        }
    }
    if (error < 0) {
        return error;
    }
    error = policy_settings_fill(model, &policy->arena, &policy->settings);
    if (error == 0) {
        error = drop_restricted_trees(policy);
    }
    if (error < 0) {
        return error;
    }
    drop_denied_paths(policy, LIST_SANDBOX_READ_ONLY);
    drop_denied_paths(policy, LIST_SANDBOX_READ_WRITE);
    drop_denied_paths(policy, LIST_SANDBOX_SOCKETS);
    return hash_model(model, policy->hash);
}

int policy_compile(struct model *model, struct arena *arena, struct policy **ret_policy,
                   struct failure *reterr)
{
    struct policy *policy = calloc(1, sizeof(*policy));
    int error = -ENOMEM;

    if (policy == NULL) {
        arena_clear(arena);
        return failure_set(reterr, -ENOMEM, "out of memory while compiling the policy");
    }
    policy->arena = *arena;
    *arena = (struct arena){0};
    policy->model = model;
    atomic_store(&policy->references, 1);
    error = compile(policy);
    if (error < 0) {
        policy_unref(policy);
        return failure_set(reterr, error, "cannot compile the policy: %s", strerror(-error));
    }
    *ret_policy = policy;
    return 0;
}
