#include "shared/policy/rule_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/policy/address_ranges.h"
#include "shared/policy/host_registry.h"
#include "shared/policy/path_automaton.h"
#include "shared/policy/path_pattern.h"

static int refuse(const struct value_context *context, const struct node *node, const char *mend,
                  const char *what)
{
    return document_refuse(context->source, node, context->reterr, mend, "%s", what);
}

static int read_id(const struct value_context *context, const struct node *value,
                   struct str_view *ret_id)
{
    int error = value_text(context, value, ret_id);

    for (size_t i = 0; error == 0 && i < ret_id->length; i++) {
        char c = ret_id->bytes[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-' || c == '.';

        if (!fits || ret_id->length > 64) {
            return refuse(context, value, "use letters, digits, . - and _, at most 64",
                          "id: not a name for a rule");
        }
    }
    if (error == 0 &&
        (str_view_equals_text(*ret_id, "default") || str_view_equals_text(*ret_id, "builtin"))) {
        return refuse(context, value, "choose another name",
                      "id: default and builtin stand for what is no rule");
    }
    return error;
}

/* Words of a list as bits. */
static int read_bits(const struct value_context *context, const struct key *key,
                     const struct node *value, unsigned int *ret_bits)
{
    int error = value_expect(context, value, NODE_LIST);

    if (error == 0 && value->first == NULL) {
        return refuse(context, value, "name at least one, or leave the key out", "an empty list");
    }
    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        size_t word = 0;

        error = value_word(context, item, key->words, key->word_count, &word);
        if (error == 0 && (*ret_bits >> word & 1) != 0) {
            return document_refuse(context->source, item, context->reterr, "name it once",
                                   "%s: \"%s\" is there twice", key->name, key->words[word]);
        }
        *ret_bits |= 1U << word;
    }
    return error;
}

static int add_pattern(struct rule_draft *draft, const struct value_context *context,
                       enum value_kind kind, const struct node *item)
{
    struct rule *rule = draft->rule;
    struct str_view *grown = arena_grow(context->arena, rule->patterns, rule->pattern_count,
                                        &draft->pattern_capacity, sizeof(*grown));
    struct str_view *slot;
    int error;

    if (grown == NULL) {
        return -ENOMEM;
    }
    rule->patterns = grown;
    slot = &grown[rule->pattern_count];
    if (kind == VALUE_HOSTS) {
        error = value_host(context, item, slot);
    } else {
        error = value_path_pattern(context, item, slot);
        if (error == 0 && kind == VALUE_PATTERNS) {
            *slot = path_pattern_trim(*slot);
        }
        if (error == 0 && kind == VALUE_EXECUTABLES && item->text.bytes[0] != '/' &&
            !str_view_starts_with(item->text, STR_VIEW_LITERAL("**"))) {
            return refuse(context, item, "write /usr/bin/curl, or **/curl for any directory",
                          "executables: not an absolute path");
        }
    }
    rule->pattern_count += error == 0 ? 1 : 0;
    return error;
}

static int add_prefix(struct rule_draft *draft, const struct value_context *context,
                      const struct node *item)
{
    struct rule *rule = draft->rule;
    struct ip_prefix *grown = arena_grow(context->arena, rule->prefixes, rule->prefix_count,
                                         &draft->prefix_capacity, sizeof(*grown));
    int error;

    if (grown == NULL) {
        return -ENOMEM;
    }
    rule->prefixes = grown;
    error = value_prefix(context, item, &grown[rule->prefix_count]);
    rule->prefix_count += error == 0 ? 1 : 0;
    return error;
}

static int add_port(struct rule_draft *draft, const struct value_context *context,
                    const struct node *item)
{
    struct rule *rule = draft->rule;
    struct port_range *grown = arena_grow(context->arena, rule->ports, rule->port_count,
                                          &draft->port_capacity, sizeof(*grown));
    int error;

    if (grown == NULL) {
        return -ENOMEM;
    }
    rule->ports = grown;
    error = value_ports(context, item, &grown[rule->port_count]);
    rule->port_count += error == 0 ? 1 : 0;
    return error;
}

static int read_list(struct rule_draft *draft, const struct value_context *context,
                     const struct key *key, const struct node *value)
{
    int error = value_expect(context, value, NODE_LIST);

    if (error == 0 && value->first == NULL) {
        return document_refuse(context->source, value, context->reterr,
                               "name at least one, or remove the rule", "%s: an empty list",
                               key->name);
    }
    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        error = key->kind == VALUE_ADDRESSES ? add_prefix(draft, context, item)
                : key->kind == VALUE_PORTS   ? add_port(draft, context, item)
                                             : add_pattern(draft, context, key->kind, item);
    }
    return error;
}

static int read_action(struct rule *rule, const struct value_context *context,
                       const struct key *key, const struct node *value)
{
    size_t word = 0;
    int error = value_word(context, value, key->words, key->word_count, &word);

    for (size_t verdict = 0; error == 0 && verdict < 4; verdict++) {
        if (strcmp(verdict_words[verdict], key->words[word]) == 0) {
            rule->action = (enum verdict)verdict;
        }
    }
    return error;
}

int rule_draft_read(struct rule_draft *draft, const struct value_context *context,
                    const struct key *key, const struct node *value)
{
    struct rule *rule = draft->rule;
    size_t word = 0;
    int error;

    switch (key->target) {
    case KEY_ID:
        return read_id(context, value, &rule->id);
    case KEY_ACTION:
        return read_action(rule, context, key, value);
    case KEY_MESSAGE:
        return value_text(context, value, &rule->message);
    case KEY_ORIGIN:
        return value_text(context, value, &rule->origin_text);
    case KEY_OVERRIDE:
        return value_boolean(context, value, &rule->override);
    case KEY_ENFORCE:
        draft->enforce = value;
        return value_boolean(context, value, &rule->enforced);
    case KEY_OPERATIONS:
        draft->operations = value;
        return read_bits(context, key, value, &rule->operations);
    case KEY_PROTOCOLS:
        draft->protocols = value;
        return read_bits(context, key, value, &rule->protocols);
    case KEY_HOSTS:
        draft->hosts = value;
        return read_list(draft, context, key, value);
    case KEY_ADDRESSES:
        draft->addresses = value;
        return read_list(draft, context, key, value);
    case KEY_PORTS:
        draft->ports = value;
        return read_list(draft, context, key, value);
    case KEY_PATHS:
    case KEY_EXECUTABLES:
        return read_list(draft, context, key, value);
    case KEY_NAME_CHECK:
        draft->name_check = value;
        error = value_word(context, value, key->words, key->word_count, &word);
        rule->name_check_said = error == 0;
        rule->name_check = (enum name_check)word;
        return error;
    case KEY_ALLOW_PRIVATE:
        draft->private_ = value;
        return value_boolean(context, value, &rule->allow_private);
    default: /* the grammar gives a rule no other key */
        return -EINVAL;
    }
}

/* ---- what must fit together --------------------------------------------------------------- */

static int compare_views(const void *a, const void *b)
{
    const struct str_view *left = a;
    const struct str_view *right = b;
    size_t common = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->bytes, right->bytes, common);

    return order != 0 ? order : left->length < right->length ? -1 : left->length > right->length;
}

static int compare_prefixes(const void *a, const void *b)
{
    const struct ip_prefix *left = a;
    const struct ip_prefix *right = b;
    int order = (int)left->address.family - (int)right->address.family;

    order = order != 0 ? order : memcmp(left->address.bytes, right->address.bytes, 16);
    return order != 0 ? order : (int)left->length - (int)right->length;
}

static int compare_ports(const void *a, const void *b)
{
    const struct port_range *left = a;
    const struct port_range *right = b;

    return (int)left->first - (int)right->first;
}

/* Order and repetition mean nothing: the canonical form has neither. */
static void sort_lists(struct rule *rule)
{
    size_t kept = 0;

    if (rule->pattern_count > 1) {
        qsort(rule->patterns, rule->pattern_count, sizeof(*rule->patterns), compare_views);
    }
    for (size_t i = 0; i < rule->pattern_count; i++) {
        if (i == 0 || !str_view_equals(rule->patterns[i], rule->patterns[kept - 1])) {
            rule->patterns[kept++] = rule->patterns[i];
        }
    }
    rule->pattern_count = kept;
    if (rule->prefix_count > 1) {
        qsort(rule->prefixes, rule->prefix_count, sizeof(*rule->prefixes), compare_prefixes);
    }
    kept = 0;
    for (size_t i = 0; i < rule->prefix_count; i++) {
        if (i == 0 || compare_prefixes(&rule->prefixes[i], &rule->prefixes[kept - 1]) != 0) {
            rule->prefixes[kept++] = rule->prefixes[i];
        }
    }
    rule->prefix_count = kept;
    if (rule->port_count > 1) {
        qsort(rule->ports, rule->port_count, sizeof(*rule->ports), compare_ports);
    }
    kept = 0;
    for (size_t i = 0; i < rule->port_count; i++) {
        struct port_range *last = kept == 0 ? NULL : &rule->ports[kept - 1];

        if (last != NULL && rule->ports[i].first <= (unsigned int)last->last + 1) {
            last->last = rule->ports[i].last > last->last ? rule->ports[i].last : last->last;
        } else {
            rule->ports[kept++] = rule->ports[i];
        }
    }
    rule->port_count = kept;
}

static bool permits(const struct rule *rule)
{
    return rule->action == VERDICT_ALLOW || rule->action == VERDICT_LOG;
}

static int check_addresses(const struct rule_draft *draft, const struct value_context *context)
{
    const struct rule *rule = draft->rule;
    const struct node *item = draft->addresses->first;

    for (size_t i = 0; permits(rule) && i < rule->prefix_count; i++, item = item->next) {
        const struct ip_prefix *prefix = &rule->prefixes[i];
        const struct address_range *range = address_range_find(&prefix->address);
        char text[IP_PREFIX_TEXT_MAX];

        if (!rule->allow_private && range != NULL && range->prefix.length <= prefix->length) {
            return document_refuse(context->source, item, context->reterr,
                                   "add allow_private: true to this rule, if it is really wanted",
                                   "addresses: %s lies in %s, %s", ip_prefix_format(prefix, text),
                                   range->text, range->label);
        }
        if (rule->allow_private && prefix->length < (prefix->address.family == IP_V4 ? 8U : 7U)) {
            return document_refuse(context->source, item, context->reterr,
                                   "name the networks that are wanted, as 10.1.2.0/24",
                                   "addresses: %s is too wide for allow_private",
                                   ip_prefix_format(prefix, text));
        }
    }
    return 0;
}

/* Anybody can have a name below a registry's suffix: allowing all of them allows everybody. */
static int check_hosts(const struct rule_draft *draft, const struct value_context *context)
{
    const struct node *item = draft->hosts->first;

    for (size_t i = 0; permits(draft->rule) && i < draft->rule->pattern_count;
         i++, item = item->next) {
        struct str_view pattern = draft->rule->patterns[i];

        if (pattern.length > 2 && pattern.bytes[0] == '*') {
            pattern.bytes += 2;
            pattern.length -= 2;
            if (host_name_public_suffix(pattern) == SUFFIX_REGISTRY) {
                return document_refuse(
                    context->source, item, context->reterr,
                    "name the domains that are wanted, or * for every public name",
                    "hosts: \"*.%.*s\" allows everybody who registers a name: %.*s is a public "
                    "suffix",
                    STR_VIEW_PRINTF(pattern), STR_VIEW_PRINTF(pattern));
            }
        }
    }
    return 0;
}

static int fill_list(struct rule_draft *draft, const struct value_context *context,
                     struct port_range range)
{
    struct port_range *grown =
        arena_grow(context->arena, draft->rule->ports, 0, &draft->port_capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    draft->rule->ports = grown;
    grown[0] = range;
    draft->rule->port_count = 1;
    return 0;
}

static int finish_network(struct rule_draft *draft, const struct value_context *context,
                          const struct node *node)
{
    struct rule *rule = draft->rule;
    int error = 0;

    if (draft->hosts != NULL && draft->addresses != NULL) {
        return refuse(context, draft->addresses, "write two rules",
                      "a network rule with hosts and addresses");
    }
    if (draft->hosts == NULL && draft->addresses == NULL) {
        return refuse(context, node, "add hosts: [name] or addresses: [prefix]",
                      "a network rule without hosts or addresses");
    }
    if (rule->allow_private && draft->addresses == NULL) {
        return refuse(context, draft->private_,
                      "name the addresses: special-purpose space opens only by address",
                      "allow_private in a rule about hosts");
    }
    if (rule->allow_private && !permits(rule)) {
        return refuse(context, draft->private_, "leave it out",
                      "allow_private in a rule that denies");
    }
    if (rule->name_check_said && !permits(rule)) {
        return refuse(context, draft->name_check, "leave it out",
                      "name_check in a rule that denies");
    }
    if (draft->addresses != NULL && rule->name_check_said &&
        rule->name_check != NAME_CHECK_ADDRESS_ONLY) {
        return refuse(context, draft->name_check, "leave it out, or allow the host by its name",
                      "name_check in a rule about addresses: there is no name to check");
    }
    error =
        draft->addresses != NULL ? check_addresses(draft, context) : check_hosts(draft, context);
    if (error == 0 && draft->ports == NULL) {
        error = fill_list(draft, context,
                          permits(rule) ? (struct port_range){443, 443}
                                        : (struct port_range){1, 65535});
    }
    if (draft->protocols == NULL) {
        rule->protocols =
            permits(rule) ? PROTOCOL_BIT(NET_TCP) : PROTOCOL_BIT(NET_TCP) | PROTOCOL_BIT(NET_UDP);
    }
    return error;
}

int rule_draft_finish(struct rule_draft *draft, const struct value_context *context,
                      const struct node *node)
{
    struct rule *rule = draft->rule;
    int error = 0;

    if (rule->enforced && permits(rule)) {
        return refuse(context, draft->enforce, "leave it out: only deny and hide are enforced",
                      "enforce in a rule that allows");
    }
    if (rule->section == SECTION_NETWORK) {
        error = finish_network(draft, context, node);
    } else if (rule->section == SECTION_PROCESS) {
        rule->operations = 1U << FS_EXECUTE;
    } else if (draft->operations == NULL) {
        rule->operations = PATH_ALL_OPERATIONS;
    }
    sort_lists(rule);
    return error;
}

int rule_ids_add(struct rule_ids *ids, const struct value_context *context, const struct rule *rule,
                 const struct node *node)
{
    struct text_map *seen = &ids->seen[rule->section - SECTION_FILESYSTEM];
    uint32_t line;

    if (text_map_find(seen, rule->id, &line)) {
        return document_refuse(context->source, node, context->reterr,
                               "give each rule an id of its own",
                               "the id \"%.*s\" is there twice: the first is in line %u",
                               STR_VIEW_PRINTF(rule->id), line);
    }
    return text_map_add(seen, rule->id, node->line);
}

void rule_ids_clear(struct rule_ids *ids)
{
    for (size_t i = 0; i < sizeof(ids->seen) / sizeof(ids->seen[0]); i++) {
        text_map_clear(&ids->seen[i]);
    }
}
