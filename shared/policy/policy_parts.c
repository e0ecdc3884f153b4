/* Which parts of the system a policy speaks to, and whether a program obeys all of them. */
#include <errno.h>

#include "shared/policy/policy_load.h"

struct part_use {
    enum policy_part part;
    const char *key;
    struct origin origin;
};

static bool is_below(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static enum policy_part part_of_section(enum section section)
{
    switch (section) {
    case SECTION_FILESYSTEM:
        return POLICY_PART_FILESYSTEM;
    case SECTION_NETWORK:
        return POLICY_PART_NETWORK;
    case SECTION_PROCESS:
        return POLICY_PART_PROCESS;
    case SECTION_SANDBOX:
        return POLICY_PART_SANDBOX;
    case SECTION_LIMITS:
        return POLICY_PART_LIMITS;
    case SECTION_AUDIT:
        return POLICY_PART_AUDIT;
    case SECTION_TOP:
    case SECTION_COUNT:
        break;
    }
    return (enum policy_part)0;
}

static enum policy_part part_of_setting(enum setting setting)
{
    const struct setting_row *row = setting_row(setting);

    if (row->section != SECTION_NETWORK) {
        return part_of_section(row->section);
    }
    return is_below(row->path, "dns.budget") ? POLICY_PART_DNS_BUDGET
           : is_below(row->path, "budget")   ? POLICY_PART_NETWORK_BUDGET
           : is_below(row->path, "tls") || strcmp(row->path, "quic") == 0 ? POLICY_PART_NAME_CHECK
                                                                          : POLICY_PART_NETWORK;
}

/* The first use of a part that is not in `enforced`. */
static bool find_use(const struct model *model, unsigned int enforced, struct part_use *ret_use)
{
#define USE(part_, key_, origin_)                                                                  \
    do {                                                                                           \
        if (((part_) & ~enforced) != 0) {                                                          \
            *ret_use = (struct part_use){.part = (part_), .key = (key_), .origin = (origin_)};     \
            return true;                                                                           \
        }                                                                                          \
    } while (0)

    for (size_t i = 0; i < model->rule_count; i++) {
        const struct rule *rule = &model->rules[i];

        USE(part_of_section(rule->section), section_words[rule->section], rule->origin);
        if (rule->name_check_said && rule->name_check != NAME_CHECK_ADDRESS_ONLY) {
            USE(POLICY_PART_NAME_CHECK, "name_check", rule->origin);
        }
    }
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        if (model->settings[setting].said && setting != SETTING_ON_VIOLATION) {
            USE(part_of_setting(setting), setting_row(setting)->path,
                model->settings[setting].origin);
        }
    }
    for (enum text_list list = 0; list < LIST_COUNT; list++) {
        if (model->lists[list].count > 0) {
            USE(part_of_section(text_list_row(list)->section), text_list_row(list)->path,
                model->lists[list].items[0].origin);
        }
    }
    for (size_t i = 0; i < model->breaker_count; i++) {
        USE(POLICY_PART_BREAKER, "breaker", model->breakers[i].origin);
    }
    return false;
#undef USE
}

int policy_requires_only(const struct policy *policy, unsigned int enforced, struct failure *reterr)
{
    struct part_use use;

    if (!find_use(policy_model(policy), enforced, &use)) {
        return 0;
    }
    failure_set(reterr, -EOPNOTSUPP, "the policy asks for %s, which is not enforced here", use.key);
    if (use.origin.file != NULL) {
        failure_set_needed(reterr, "%s:%u:%u", use.origin.file, use.origin.line, use.origin.column);
    }
    failure_set_mend(reterr, "leave it out: a policy is obeyed as a whole or not at all");
    return -EOPNOTSUPP;
}
