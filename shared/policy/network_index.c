#include "shared/policy/network_index.h"

#include <errno.h>
#include <stdlib.h>

static int add_link(struct network_rules *rules, uint32_t rule, uint32_t *chain)
{
    struct link *grown = arena_grow(&rules->arena, rules->links, rules->link_count,
                                    &rules->link_capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    rules->links = grown;
    grown[rules->link_count] = (struct link){.rule = rule, .next = *chain};
    *chain = (uint32_t)++rules->link_count;
    return 0;
}

/* The first link stays the head that the map knows; further ones go behind it. */
static int add_to_map(struct network_rules *rules, struct text_map *map, struct str_view key,
                      uint32_t rule)
{
    uint32_t head;
    uint32_t fresh = 0;
    int error;

    if (text_map_find(map, key, &head)) {
        uint32_t chain = rules->links[head - 1].next;

        error = add_link(rules, rule, &chain);
        if (error == 0) {
            rules->links[head - 1].next = chain;
        }
        return error;
    }
    error = add_link(rules, rule, &fresh);
    if (error < 0) {
        return error;
    }
    key = arena_copy(&rules->arena, key);
    return key.bytes == NULL ? -ENOMEM : text_map_add(map, key, fresh);
}

struct str_view network_prefix_key(const struct ip_address *address, unsigned int length,
                                   char key[static PREFIX_KEY_BYTES])
{
    unsigned int whole = length / 8;

    memset(key, 0, PREFIX_KEY_BYTES);
    key[0] = (char)address->family;
    key[1] = (char)length;
    memcpy(key + 2, address->bytes, whole);
    if (length % 8 != 0) {
        key[2 + whole] = (char)(address->bytes[whole] & (0xFF00U >> (length % 8)));
    }
    return (struct str_view){.bytes = key, .length = PREFIX_KEY_BYTES};
}

static int add_rule(struct network_rules *rules, uint32_t index)
{
    const struct rule *rule = &rules->model->rules[index];
    int error = 0;

    for (size_t i = 0; error == 0 && i < rule->pattern_count; i++) {
        char text[HOST_NAME_TEXT_MAX];
        struct host_pattern pattern;

        if (host_pattern_parse(rule->patterns[i], text, &pattern) != NULL) {
            return -EINVAL;
        }
        switch (pattern.kind) {
        case HOST_EXACT:
            error = add_to_map(rules, &rules->exact, pattern.name, index);
            break;
        case HOST_SUBDOMAINS:
            error = add_to_map(rules, &rules->subdomains, pattern.name, index);
            break;
        case HOST_ANY:
            error = add_link(rules, index, &rules->any);
            break;
        }
    }
    for (size_t i = 0; error == 0 && i < rule->prefix_count; i++) {
        const struct ip_prefix *prefix = &rule->prefixes[i];
        char key[PREFIX_KEY_BYTES];

        rules->lengths[prefix->address.family == IP_V6 ? 1 : 0][prefix->length] = true;
        error = add_to_map(rules, &rules->prefixes,
                           network_prefix_key(&prefix->address, prefix->length, key), index);
    }
    return error;
}

int network_rules_new(const struct model *model, struct network_rules **ret_rules)
{
    struct network_rules *rules = calloc(1, sizeof(*rules));
    int error = 0;

    if (rules == NULL) {
        return -ENOMEM;
    }
    rules->model = model;
    rules->closed = !model->present[SECTION_NETWORK];
    rules->allow_public = model->settings[SETTING_NET_DEFAULT].said &&
                          model->settings[SETTING_NET_DEFAULT].value == 1;
    rules->log_violations = model->settings[SETTING_ON_VIOLATION].said &&
                            model->settings[SETTING_ON_VIOLATION].value == 1;
    for (size_t i = 0; error == 0 && i < model->rule_count; i++) {
        if (model->rules[i].section == SECTION_NETWORK) {
            error = add_rule(rules, (uint32_t)i);
        }
    }
    if (error < 0) {
        network_rules_free(rules);
        return error;
    }
    *ret_rules = rules;
    return 0;
}

void network_rules_free(struct network_rules *rules)
{
    if (rules == NULL) {
        return;
    }
    text_map_clear(&rules->exact);
    text_map_clear(&rules->subdomains);
    text_map_clear(&rules->prefixes);
    arena_clear(&rules->arena);
    free(rules);
}
