#include "shared/policy/policy_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/policy/path_pattern.h"
#include "shared/policy/policy_reader_parts.h"

struct origin reader_origin(const struct reader *reader, const struct node *node)
{
    return (struct origin){
        .file = reader->source->file, .line = node->line, .column = node->column};
}

struct value_context reader_context(const struct reader *reader, const struct key *key)
{
    return (struct value_context){.source = reader->source,
                                  .arena = reader->arena,
                                  .reterr = reader->reterr,
                                  .key = key->name};
}

bool policy_name_is_valid(struct str_view name, bool joined)
{
    if (name.length == 0 || name.length > (joined ? 1024 : 64)) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
              (joined && c == '+'))) {
            return false;
        }
    }
    return true;
}

static int read_name(struct reader *reader, const struct value_context *context,
                     const struct node *value)
{
    int error = value_text(context, value, &reader->model->name);

    if (error == 0 && !policy_name_is_valid(reader->model->name, reader->resolved)) {
        return document_refuse(reader->source, value, reader->reterr,
                               "use lower-case letters, digits, - and _, at most 64",
                               "name: \"%.*s\" is not a policy name",
                               STR_VIEW_PRINTF(reader->model->name));
    }
    return error;
}

static int read_version(struct reader *reader, const struct node *value)
{
    if (value->kind == NODE_SCALAR && !value->quoted && str_view_equals_text(value->text, "1")) {
        return 0;
    }
    return document_refuse(reader->source, value, reader->reterr, "write version: 1",
                           "version: this program reads version 1 of the grammar only");
}

static int read_setting(struct reader *reader, const struct value_context *context,
                        enum setting setting, const struct node *value)
{
    const struct setting_row *row = setting_row(setting);
    struct setting_value *slot = &reader->model->settings[setting];
    size_t index = 0;
    bool boolean;
    int error;

    if (row->words[0] == NULL) {
        error = value_quantity(context, value, row->quantity, &slot->value);
    } else if (strcmp(row->words[0], "false") == 0) {
        error = value_boolean(context, value, &boolean);
        slot->value = error == 0 && boolean ? 1 : 0;
    } else {
        error = value_word(context, value, row->words, row->word_count, &index);
        slot->value = index;
    }
    if (error < 0) {
        return error;
    }
    slot->said = true;
    slot->origin = reader_origin(reader, value);
    return 0;
}

/* Literal components and maybe a final **: what can be bound as a tree. */
static int check_native(const struct value_context *context, const struct node *node,
                        struct str_view pattern)
{
    struct str_view tree = pattern;

    if (str_view_ends_with(tree, STR_VIEW_LITERAL("/**"))) {
        tree.length -= 3;
    }
    for (size_t i = 0; i < tree.length; i++) {
        if (strchr("*?[{\\", tree.bytes[i]) != NULL) {
            return document_refuse(
                context->source, node, context->reterr, "name one directory: node_modules/**",
                "native: \"%.*s\" is not one directory", STR_VIEW_PRINTF(pattern));
        }
    }
    return 0;
}

static bool leads_upwards(struct str_view path)
{
    for (size_t i = 0; i + 2 < path.length; i++) {
        if (path.bytes[i] == '/' && path.bytes[i + 1] == '.' && path.bytes[i + 2] == '.' &&
            (i + 3 == path.length || path.bytes[i + 3] == '/')) {
            return true;
        }
    }
    return false;
}

int reader_check_absolute(const struct value_context *context, const struct node *node,
                          struct str_view path)
{
    if (path.length < 2 || path.bytes[0] != '/') {
        return document_refuse(
            context->source, node, context->reterr, "write the path from the root of the host",
            "%s: \"%.*s\" is not an absolute path", context->key, STR_VIEW_PRINTF(path));
    }
    /* No rule could ever say whether it is denied. */
    return leads_upwards(path)
               ? document_refuse(context->source, node, context->reterr,
                                 "write the path without \"..\"", "%s: \"%.*s\" leads upwards",
                                 context->key, STR_VIEW_PRINTF(path))
               : 0;
}

static int check_upstream(const struct value_context *context, const struct node *node,
                          struct str_view text)
{
    struct ip_address address;

    if (str_view_equals_text(text, "system") || ip_address_parse(text, &address) == 0) {
        return 0;
    }
    return document_refuse(context->source, node, context->reterr,
                           "write system, or the address of a resolver",
                           "upstream: \"%.*s\" is not an address", STR_VIEW_PRINTF(text));
}

static int read_list_item(const struct value_context *context, enum value_kind kind,
                          const struct node *item, struct str_view *ret_text)
{
    size_t word = 0;
    int error;

    if (kind == VALUE_SYNC) {
        error = value_word(context, item, operation_words, FS_LOOKUP, &word);
        *ret_text = str_view_from(operation_words[word]);
        return error;
    }
    if (kind == VALUE_NATIVE) {
        error = value_path_pattern(context, item, ret_text);
        *ret_text = path_pattern_trim(*ret_text);
        return error < 0 ? error : check_native(context, item, *ret_text);
    }
    error = value_text(context, item, ret_text);
    if (error < 0) {
        return error;
    }
    return kind == VALUE_ABSOLUTE   ? reader_check_absolute(context, item, *ret_text)
           : kind == VALUE_UPSTREAM ? check_upstream(context, item, *ret_text)
                                    : 0;
}

static int read_texts(struct reader *reader, const struct value_context *context,
                      const struct key *key, struct texts *texts, const struct node *value)
{
    int error = value_expect(context, value, NODE_LIST);

    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        struct text_item added = {.origin = reader_origin(reader, item)};

        error = read_list_item(context, key->kind, item, &added.text);
        if (error == 0) {
            error = texts_add(texts, reader->arena, added);
        }
    }
    return error;
}

/* ---- maps ------------------------------------------------------------------------------- */

static int refuse_key(struct reader *reader, const struct shape *shape, const struct node *node)
{
    const char *nearest = shape_nearest(shape, node->text);
    char mend[256];
    size_t used;

    if (nearest != NULL) {
        snprintf(mend, sizeof(mend), "did you mean \"%s\"?", nearest);
    } else {
        used = (size_t)snprintf(mend, sizeof(mend), "the keys here are:");
        for (size_t i = 0; i < shape->key_count && used < sizeof(mend); i++) {
            used += (size_t)snprintf(mend + used, sizeof(mend) - used, " %s", shape->keys[i].name);
        }
    }
    return document_refuse(reader->source, node, reader->reterr, mend, "unknown key \"%.*s\" in %s",
                           STR_VIEW_PRINTF(node->text), shape->name);
}

int reader_read_map(struct reader *reader, const struct shape *shape, const struct node *node,
                    store_key *store, void *target)
{
    struct value_context context = {.source = reader->source,
                                    .arena = reader->arena,
                                    .reterr = reader->reterr,
                                    .key = shape->name};
    uint64_t seen = 0;
    int error = value_expect(&context, node, NODE_MAP);

    for (const struct node *at = node->first; error == 0 && at != NULL; at = at->next) {
        const struct key *key = shape_find(shape, at->text);

        if (key == NULL) {
            return refuse_key(reader, shape, at);
        }
        if ((seen >> (key - shape->keys) & 1) != 0) {
            return document_refuse(reader->source, at, reader->reterr,
                                   "keep one of them; the values do not add up",
                                   "the key \"%s\" is there twice", key->name);
        }
        seen |= UINT64_C(1) << (key - shape->keys);
        error = store(reader, target, key, at->value);
    }
    for (size_t i = 0; error == 0 && i < shape->key_count; i++) {
        if (shape->keys[i].required && (seen >> i & 1) == 0) {
            return document_refuse(reader->source, node, reader->reterr, shape->keys[i].help,
                                   "%s without \"%s\"", shape->name, shape->keys[i].name);
        }
    }
    return error;
}

/* ---- rules ------------------------------------------------------------------------------ */

static int store_rule(struct reader *reader, void *target, const struct key *key,
                      const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    struct rule_draft *draft = target;

    if (key->target == KEY_ORIGIN && !reader->resolved) {
        return document_refuse(reader->source, value, reader->reterr,
                               "leave it out: a rule's origin is where it stands",
                               "origin: only a resolved policy has it");
    }
    return rule_draft_read(draft, &context, key, value);
}

static int read_rules(struct reader *reader, const struct key *key, enum section section,
                      const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    int error = value_expect(&context, value, NODE_LIST);

    for (const struct node *item = value->first; error == 0 && item != NULL; item = item->next) {
        struct rule *rule = model_add_rule(reader->model, reader->arena);
        struct rule_draft draft = {.rule = rule};

        if (rule == NULL) {
            return -ENOMEM;
        }
        *rule = (struct rule){.section = section, .origin = reader_origin(reader, item)};
        if (reader->model->rule_count > POLICY_RULES_MAX) {
            return document_refuse(reader->source, item, reader->reterr,
                                   "put several patterns into one rule",
                                   "more than %d rules in one policy", POLICY_RULES_MAX);
        }
        error = reader_read_map(reader, key->shape, item, store_rule, &draft);
        if (error == 0) {
            error = rule_draft_finish(&draft, &context, item);
        }
        if (error < 0) {
            return error;
        }
        reader->patterns += rule->pattern_count + rule->prefix_count;
        if (reader->patterns > POLICY_PATTERNS_MAX) {
            return document_refuse(reader->source, item, reader->reterr,
                                   "write fewer and wider patterns",
                                   "more than %d patterns in one policy", POLICY_PATTERNS_MAX);
        }
        if (!reader->resolved) {
            error = rule_ids_add(&reader->ids, &context, rule, item);
        }
    }
    return error;
}

/* ---- the whole -------------------------------------------------------------------------- */

struct section_target {
    enum section section;
};

static int store_part(struct reader *reader, void *target, const struct key *key,
                      const struct node *value)
{
    struct value_context context = reader_context(reader, key);
    struct section_target part = *(struct section_target *)target;

    switch (key->kind) {
    case VALUE_SETTING:
        return read_setting(reader, &context, (enum setting)key->target, value);
    case VALUE_TEXTS:
    case VALUE_NATIVE:
    case VALUE_ABSOLUTE:
    case VALUE_SYNC:
    case VALUE_UPSTREAM:
        return read_texts(reader, &context, key, &reader->model->lists[key->target], value);
    case VALUE_EXTENDS:
        return read_texts(reader, &context, key, &reader->model->extends, value);
    case VALUE_MAP:
        if (part.section == SECTION_TOP) {
            part.section = (enum section)key->target;
            reader->model->present[part.section] = true;
            reader->model->section_origin[part.section] = reader_origin(reader, value);
        }
        return reader_read_map(reader, key->shape, value, store_part, &part);
    case VALUE_RULES:
        return read_rules(reader, key, part.section, value);
    case VALUE_BREAKERS:
        return reader_read_breakers(reader, key, value);
    case VALUE_TESTS:
        return reader_read_tests(reader, key, value);
    case VALUE_VERSION:
        return read_version(reader, value);
    case VALUE_NAME:
        return read_name(reader, &context, value);
    case VALUE_BOOLEAN: /* resolved was read before everything else */
        return key->target == KEY_RESOLVED
                   ? 0
                   : value_boolean(&context, value, &reader->model->enforce);
    case VALUE_TEXT:
        return value_text(&context, value,
                          key->target == KEY_REVISION ? &reader->model->revision
                                                      : &reader->model->description);
    case VALUE_ID:
    case VALUE_WORD:
    case VALUE_WORDS:
    case VALUE_PATTERNS:
    case VALUE_EXECUTABLES:
    case VALUE_HOSTS:
    case VALUE_ADDRESSES:
    case VALUE_PORTS:
    case VALUE_COUNT:
    case VALUE_DURATION:
    case VALUE_PERCENT:
    case VALUE_FS_CASE:
    case VALUE_NET_CASE:
    case VALUE_EXEC_CASE:
        break;
    }
    return -EINVAL;
}

/* `resolved: true` changes how the rest is read, so it is looked up first. */
static bool says_resolved(const struct node *root)
{
    for (const struct node *at = root->kind == NODE_MAP ? root->first : NULL; at != NULL;
         at = at->next) {
        if (str_view_equals_text(at->text, "resolved")) {
            return at->value->kind == NODE_SCALAR && str_view_equals_text(at->value->text, "true");
        }
    }
    return false;
}

/* An enforced policy is merged into everybody's: it may take away and never give. */
static int check_enforced(struct reader *reader)
{
    static const enum setting gifts[] = {SETTING_FS_DEFAULT, SETTING_NET_DEFAULT,
                                         SETTING_ON_VIOLATION};
    struct model *model = reader->model;
    struct failure *reterr = reader->reterr;

    for (size_t i = 0; i < model->rule_count; i++) {
        struct rule *rule = &model->rules[i];

        rule->enforced = rule->enforced || model->enforce;
        if (rule->enforced && (rule->action == VERDICT_ALLOW || rule->action == VERDICT_LOG)) {
            failure_set(reterr, -EINVAL, "an enforced rule that allows: it can only deny or hide");
            failure_set_needed(reterr, "%s:%u:%u", rule->origin.file, rule->origin.line,
                               rule->origin.column);
            failure_set_mend(reterr, "put what is allowed into a policy without enforce");
            return -EINVAL;
        }
    }
    for (size_t i = 0; model->enforce && i < sizeof(gifts) / sizeof(gifts[0]); i++) {
        const struct setting_value *value = &model->settings[gifts[i]];

        if (value->said && value->value != 0) {
            failure_set(reterr, -EINVAL, "an enforced policy can only tighten: %s cannot be %s",
                        setting_row(gifts[i])->path, setting_row(gifts[i])->words[value->value]);
            failure_set_needed(reterr, "%s:%u:%u", value->origin.file, value->origin.line,
                               value->origin.column);
            failure_set_mend(reterr, "leave it out, or write %s", setting_row(gifts[i])->words[0]);
            return -EINVAL;
        }
    }
    return 0;
}

static int read_root(struct reader *reader, const struct node *root, struct str_view default_name)
{
    struct section_target top = {.section = SECTION_TOP};
    int error;

    reader->resolved = says_resolved(root);
    reader->model->name = default_name;
    error = reader_read_map(reader, grammar_top(), root, store_part, &top);
    return error < 0 ? error : check_enforced(reader);
}

int policy_read(struct str_view text, const struct document_source *source,
                struct str_view default_name, struct arena *arena, struct model **ret_model,
                bool *ret_resolved, struct failure *reterr)
{
    struct arena nodes = {0};
    struct reader reader = {.source = source, .arena = arena, .reterr = reterr};
    struct node *root;
    int error;

    reader.model = arena_alloc(arena, sizeof(*reader.model));
    error = reader.model == NULL ? -ENOMEM : document_parse(text, source, &nodes, &root, reterr);
    if (error == 0) {
        error = read_root(&reader, root, default_name);
    }
    rule_ids_clear(&reader.ids);
    arena_clear(&nodes);
    if (error == -ENOMEM) {
        failure_set(reterr, error, "out of memory while reading %s", source->file);
    }
    if (error < 0) {
        return error;
    }
    *ret_model = reader.model;
    *ret_resolved = reader.resolved;
    return 0;
}
