#include "shared/policy/policy.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/policy/document.h"
#include "shared/policy/policy_layout.h"
#include "shared/policy/policy_load.h"
#include "shared/policy/policy_merge.h"
#include "shared/policy/policy_print.h"
#include "shared/policy/policy_reader.h"

/* ---- loading ------------------------------------------------------------------------------- */

/* What failed deep inside for want of memory may have come without words. */
static int with_words(int error, struct failure *reterr)
{
    return error < 0 && reterr->what[0] == '\0'
               ? failure_set(reterr, error, "cannot load the policy: %s", strerror(-error))
               : error;
}

int policy_load_from(const char *const *words, size_t count,
                     const struct policy_directories *directories, struct policy **ret_policy,
                     struct failure *reterr)
{
    struct arena arena = {0};
    struct model *model;
    int error = policy_load_model(words, count, directories, &arena, &model, reterr);

    if (error < 0) {
        arena_clear(&arena);
        return with_words(error, reterr);
    }
    return with_words(policy_compile(model, &arena, ret_policy, reterr), reterr);
}

int policy_load(const char *const *words, size_t count, struct policy **ret_policy,
                struct failure *reterr)
{
    struct policy_directories directories = policy_directories_default();

    return policy_load_from(words, count, &directories, ret_policy, reterr);
}

/* The strictest word where nobody said one, so that the section is there and printed. */
static void open_section(struct model *model, enum section section, enum setting otherwise)
{
    model->present[section] = true;
    if (!model->settings[otherwise].said) {
        model->settings[otherwise] = (struct setting_value){.said = true};
    }
}

int policy_load_shadow(const char *const *words, size_t count, struct policy **ret_policy,
                       struct failure *reterr)
{
    struct policy_directories directories = policy_directories_default();
    struct arena arena = {0};
    struct model *model;
    int error = policy_load_model(words, count, &directories, &arena, &model, reterr);

    if (error < 0) {
        arena_clear(&arena);
        return with_words(error, reterr);
    }
    open_section(model, SECTION_FILESYSTEM, SETTING_FS_DEFAULT);
    open_section(model, SECTION_NETWORK, SETTING_NET_DEFAULT);
    model->settings[SETTING_ON_VIOLATION] = (struct setting_value){.said = true, .value = 1};
    return with_words(policy_compile(model, &arena, ret_policy, reterr), reterr);
}

int policy_load_resolved_fd(int fd, struct policy **ret_policy, struct failure *reterr)
{
    static const struct document_source source = {.file = "<resolved policy>"};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct arena arena = {0};
    struct model *model;
    bool resolved;
    int error;

    /* Another program may be reading through the same descriptor at this moment: its offset is
     * nobody's. */
    error = memory_file_read(fd, DOCUMENT_BYTES_MAX, &text);
    error = error == -ESPIPE ? read_to_end(fd, DOCUMENT_BYTES_MAX, &text) : error;
    if (error < 0) {
        return failure_set(reterr, error, "cannot read the resolved policy: %s", strerror(-error));
    }
    error = policy_read(text_buffer_view(&text), &source, STR_VIEW_LITERAL("unnamed"), &arena,
                        &model, &resolved, reterr);
    if (error == 0 && (!resolved || model->extends.count > 0)) {
        error = failure_set(reterr, -EINVAL, "this is no resolved policy");
    }
    if (error < 0) {
        arena_clear(&arena);
        return with_words(error, reterr);
    }
    model_close_absent(model);
    model_sort(model);
    return with_words(policy_compile(model, &arena, ret_policy, reterr), reterr);
}

const char *policy_file(const struct policy *policy, size_t index)
{
    const struct texts *files = &policy->model->files;

    return index < files->count ? files->items[index].text.bytes : NULL;
}

struct policy *policy_ref(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void policy_unref(struct policy *policy)
{
    if (policy == NULL ||
        atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    path_automaton_free(policy->filesystem);
    path_automaton_free(policy->process);
    for (size_t i = 0; policy->exceptions != NULL && i < policy->model->breaker_count; i++) {
        path_automaton_free(policy->exceptions[i]);
    }
    free(policy->exceptions);
    network_rules_free(policy->network);
    arena_clear(&policy->arena);
    free(policy);
}

/* ---- what it is ---------------------------------------------------------------------------- */

int policy_print(const struct policy *policy, struct text_buffer *text)
{
    model_print(policy->model, true, text);
    return text_buffer_error(text);
}

struct str_view policy_name(const struct policy *policy)
{
    return policy->model->name;
}

struct str_view policy_revision(const struct policy *policy)
{
    return policy->model->revision;
}

const char *policy_hash(const struct policy *policy)
{
    return policy->hash;
}

struct fs_settings policy_fs_settings(const struct policy *policy)
{
    return policy->settings.filesystem;
}

struct net_settings policy_net_settings(const struct policy *policy)
{
    return policy->settings.network;
}

const struct model *policy_model(const struct policy *policy)
{
    return policy->model;
}

struct path_automaton *policy_breaker_automaton(const struct policy *policy, size_t index)
{
    return index < policy->model->breaker_count ? policy->exceptions[index] : NULL;
}

struct path_automaton *policy_fs_automaton(const struct policy *policy)
{
    return policy->filesystem;
}

struct str_view policy_rule_id(const struct policy *policy, rule_id rule)
{
    if (rule.index < policy->model->rule_count) {
        return policy->model->rules[rule.index].id;
    }
    return rule.index == RULE_DEFAULT.index ? STR_VIEW_LITERAL("default")
                                            : STR_VIEW_LITERAL("builtin");
}

struct str_view policy_rule_origin(const struct policy *policy, rule_id rule)
{
    return rule.index < policy->model->rule_count ? policy->model->rules[rule.index].origin_text
                                                  : (struct str_view){0};
}

/* ---- decisions ----------------------------------------------------------------------------- */

int decision_errno(struct decision decision)
{
    int error;

    if (decision_permits(decision)) {
        return 0;
    }
    error = denial_code_errno(decision.code);
    /* A refusal without an errno of its own is still a refusal. */
    return error == 0 ? -EACCES : -error;
}

const struct policy_state *policy_path_root(const struct policy *policy)
{
    return path_automaton_root(policy->filesystem);
}

const struct policy_state *policy_path_step(const struct policy *policy,
                                            const struct policy_state *state, struct str_view name)
{
    return path_automaton_step(policy->filesystem, state, name);
}

const struct policy_state *policy_path_walk(const struct policy *policy, struct str_view path)
{
    return path_automaton_walk(policy->filesystem, path);
}

static struct decision decide_state(const struct policy *policy, const struct policy_state *state,
                                    enum fs_operation operation, enum denial_code denied)
{
    struct decision decision = {
        .verdict = policy_state_verdict(state, operation),
        .rule = policy_state_rule(state, operation),
    };

    if (decision.rule.index < policy->model->rule_count) {
        decision.reason = policy->model->rules[decision.rule.index].message;
    }
    if (!decision_permits(decision)) {
        decision.code = decision.verdict == VERDICT_HIDE ? DENIAL_PATH_HIDDEN : denied;
        if (decision.reason.bytes == NULL) {
            decision.reason = decision.rule.index == RULE_BUILTIN.index
                                  ? STR_VIEW_LITERAL("the path cannot be judged")
                                  : str_view_from(denial_code_meaning(decision.code));
        }
    }
    return decision;
}

struct decision policy_decide_fs(const struct policy *policy, const struct policy_state *state,
                                 enum fs_operation operation)
{
    return decide_state(policy, state, operation, DENIAL_PATH_DENIED);
}

struct decision policy_decide_exec(const struct policy *policy, struct str_view path)
{
    const struct policy_state *state = path_automaton_walk(policy->process, path);
    struct decision decision = decide_state(policy, state, FS_EXECUTE, DENIAL_EXEC_DENIED);

    policy_state_unref(state);
    return decision;
}

bool policy_states_equal_below(const struct policy *policy, const struct policy_state *a,
                               const struct policy_state *b)
{
    return path_automaton_equal_below(policy->filesystem, a, b);
}

bool policy_state_unrestricted_below(const struct policy *policy, const struct policy_state *state)
{
    return path_automaton_unrestricted_below(policy->filesystem, state);
}

struct decision policy_decide_net(const struct policy *policy, const struct net_request *request)
{
    return network_rules_decide(policy->network, request);
}

size_t policy_net_deciding_name(const struct policy *policy, const struct net_request *request,
                                struct decision decision)
{
    for (size_t i = 0; i < request->name_count; i++) {
        struct net_request alone = *request;
        struct decision same;

        alone.names = &request->names[i];
        alone.name_count = 1;
        same = policy_decide_net(policy, &alone);
        if (same.verdict == decision.verdict && same.code == decision.code &&
            same.rule.index == decision.rule.index) {
            return i;
        }
    }
    return 0;
}
