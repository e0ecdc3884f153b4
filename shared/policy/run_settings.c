#include "shared/policy/run_settings.h"

#include <stdio.h>

#include "shared/policy/policy_load.h"

static const enum setting limit_settings[RUN_LIMIT_COUNT] = {
#define LIMIT_SETTING(name, key) [RUN_LIMIT_##name] = SETTING_LIMIT_##name,
    RUN_LIMIT_TABLE(LIMIT_SETTING)
#undef LIMIT_SETTING
};

static bool says_true(const struct model *model, enum setting setting)
{
    return model->settings[setting].said && model->settings[setting].value == 1;
}

static enum run_network network_of(const struct model *model)
{
    if (!model->present[SECTION_NETWORK]) {
        return RUN_NETWORK_ABSENT;
    }
    if (says_true(model, SETTING_NET_DEFAULT) || says_true(model, SETTING_ON_VIOLATION)) {
        return RUN_NETWORK_OPEN;
    }
    for (size_t i = 0; i < model->rule_count; i++) {
        if (model->rules[i].section == SECTION_NETWORK &&
            (model->rules[i].action == VERDICT_ALLOW || model->rules[i].action == VERDICT_LOG)) {
            return RUN_NETWORK_OPEN;
        }
    }
    return RUN_NETWORK_CLOSED;
}

struct run_settings policy_run_settings(const struct policy *policy)
{
    const struct model *model = policy_model(policy);
    struct run_settings settings = {
        .network = network_of(model),
        .nested = says_true(model, SETTING_SANDBOX_NESTED),
        .io_uring = says_true(model, SETTING_PROCESS_IO_URING),
    };

    for (enum run_limit limit = 0; limit < RUN_LIMIT_COUNT; limit++) {
        const struct setting_value *value = &model->settings[limit_settings[limit]];

        settings.limits[limit] = value->said ? value->value : RUN_LIMIT_NONE;
    }
    return settings;
}

const char *run_limit_word(enum run_limit limit)
{
    static const char *const words[RUN_LIMIT_COUNT] = {
#define LIMIT_WORD(name, key) [RUN_LIMIT_##name] = (key),
        RUN_LIMIT_TABLE(LIMIT_WORD)
#undef LIMIT_WORD
    };

    return limit < RUN_LIMIT_COUNT ? words[limit] : "";
}

bool policy_run_limit_origin(const struct policy *policy, enum run_limit limit, char *text,
                             size_t size)
{
    const struct origin *origin = &policy_model(policy)->settings[limit_settings[limit]].origin;

    if (origin->file == NULL) {
        return false;
    }
    snprintf(text, size, "%s:%u:%u", origin->file, origin->line, origin->column);
    return true;
}

static const struct texts *list_of(const struct policy *policy, enum run_list list)
{
    static const enum text_list lists[] = {
        [RUN_READ_ONLY] = LIST_SANDBOX_READ_ONLY,
        [RUN_READ_WRITE] = LIST_SANDBOX_READ_WRITE,
        [RUN_SOCKETS] = LIST_SANDBOX_SOCKETS,
        [RUN_ENV] = LIST_SANDBOX_ENV,
    };

    return &policy_model(policy)->lists[lists[list]];
}

size_t policy_run_list_count(const struct policy *policy, enum run_list list)
{
    return list_of(policy, list)->count;
}

struct str_view policy_run_list_item(const struct policy *policy, enum run_list list, size_t index)
{
    const struct texts *texts = list_of(policy, list);

    return index < texts->count ? texts->items[index].text : (struct str_view){0};
}

bool policy_restricts_processes(const struct policy *policy)
{
    const struct model *model = policy_model(policy);

    if (model->settings[SETTING_PROCESS_DEFAULT].said &&
        model->settings[SETTING_PROCESS_DEFAULT].value == 0) {
        return true;
    }
    for (size_t i = 0; i < model->rule_count; i++) {
        if (model->rules[i].section == SECTION_PROCESS && model->rules[i].action != VERDICT_ALLOW) {
            return true;
        }
    }
    return false;
}
