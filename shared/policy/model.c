#include "shared/policy/model.h"

#include <errno.h>
#include <stdio.h>

static const struct setting_row setting_rows[SETTING_COUNT] = {
#define SETTING_WORD(name, section_, path_, a, b, c)                                               \
    [SETTING_##name] = {.section = SECTION_##section_,                                             \
                        .path = path_,                                                             \
                        .words = {a, b, c},                                                        \
                        .word_count = (c) == NULL ? 2 : 3},
#define SETTING_NUMBER(name, section_, path_, quantity_)                                           \
    [SETTING_##                                                                                    \
        name] = {.section = SECTION_##section_, .path = path_, .quantity = QUANTITY_##quantity_},
    SETTING_TABLE(SETTING_WORD, SETTING_NUMBER)
#undef SETTING_WORD
#undef SETTING_NUMBER
};

static const struct text_list_row text_list_rows[LIST_COUNT] = {
#define TEXT_LIST_ROW(name, section_, path_) [LIST_##name] = {SECTION_##section_, path_},
    TEXT_LIST_TABLE(TEXT_LIST_ROW)
#undef TEXT_LIST_ROW
};

const char *const verdict_words[4] = {
    [VERDICT_DENY] = "deny",
    [VERDICT_HIDE] = "hide",
    [VERDICT_LOG] = "log",
    [VERDICT_ALLOW] = "allow",
};
const char *const operation_words[FS_LOOKUP] = {
#define OPERATION_WORD(name, word, meaning) [FS_##name] = word,
    FS_OPERATION_TABLE(OPERATION_WORD)
#undef OPERATION_WORD
};
const char *const protocol_words[2] = {[NET_TCP] = "tcp", [NET_UDP] = "udp"};
const char *const name_check_words[3] = {
    [NAME_CHECK_TLS] = "tls",
    [NAME_CHECK_HTTP] = "http",
    [NAME_CHECK_ADDRESS_ONLY] = "address-only",
};
const char *const breaker_event_words[BREAKER_EVENT_COUNT] = {
    [BREAKER_DELETE] = "delete",   [BREAKER_OVERWRITE] = "overwrite",
    [BREAKER_RENAME] = "rename",   [BREAKER_BLOCKED] = "blocked",
    [BREAKER_CONNECT] = "connect", [BREAKER_BYTES_OUT] = "bytes_out",
    [BREAKER_EXEC] = "exec",
};
const char *const breaker_action_words[3] = {
    [BREAKER_KILL] = "kill",
    [BREAKER_FREEZE] = "freeze",
    [BREAKER_READONLY] = "readonly",
};
const char *const section_words[SECTION_COUNT] = {
    [SECTION_TOP] = "",
    [SECTION_FILESYSTEM] = "filesystem",
    [SECTION_NETWORK] = "network",
    [SECTION_PROCESS] = "process",
    [SECTION_SANDBOX] = "sandbox",
    [SECTION_LIMITS] = "limits",
    [SECTION_AUDIT] = "audit",
};

const struct setting_row *setting_row(enum setting setting)
{
    return &setting_rows[setting];
}

const struct text_list_row *text_list_row(enum text_list list)
{
    return &text_list_rows[list];
}

const char *setting_format(enum setting setting, uint64_t value,
                           char text[static QUANTITY_TEXT_MAX])
{
    const struct setting_row *row = &setting_rows[setting];

    return row->words[0] == NULL ? quantity_format(row->quantity, value, text) : row->words[value];
}

struct rule *model_add_rule(struct model *model, struct arena *arena)
{
    struct rule *grown =
        arena_grow(arena, model->rules, model->rule_count, &model->rule_capacity, sizeof(*grown));

    if (grown == NULL) {
        return NULL;
    }
    model->rules = grown;
    return &grown[model->rule_count++];
}

struct breaker_rule *model_add_breaker(struct model *model, struct arena *arena)
{
    struct breaker_rule *grown = arena_grow(arena, model->breakers, model->breaker_count,
                                            &model->breaker_capacity, sizeof(*grown));

    if (grown == NULL) {
        return NULL;
    }
    model->breakers = grown;
    return &grown[model->breaker_count++];
}

struct policy_test *model_add_test(struct model *model, struct arena *arena)
{
    struct policy_test *grown =
        arena_grow(arena, model->tests, model->test_count, &model->test_capacity, sizeof(*grown));

    if (grown == NULL) {
        return NULL;
    }
    model->tests = grown;
    return &grown[model->test_count++];
}

int texts_add(struct texts *texts, struct arena *arena, struct text_item item)
{
    struct text_item *grown =
        arena_grow(arena, texts->items, texts->count, &texts->capacity, sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    texts->items = grown;
    grown[texts->count++] = item;
    return 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_texts(struct str_view a, struct str_view b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);

    return order != 0 ? order : compare_numbers(a.length, b.length);
}

static int compare_prefixes(const struct ip_prefix *a, const struct ip_prefix *b)
{
    int order = compare_numbers(a->address.family, b->address.family);

    order = order != 0 ? order : memcmp(a->address.bytes, b->address.bytes, 16);
    return order != 0 ? order : compare_numbers(a->length, b->length);
}

static int compare_network(const struct rule *a, const struct rule *b)
{
    int order = compare_numbers(a->prefix_count, b->prefix_count);

    for (size_t i = 0; order == 0 && i < a->prefix_count; i++) {
        order = compare_prefixes(&a->prefixes[i], &b->prefixes[i]);
    }
    order = order != 0 ? order : compare_numbers(a->port_count, b->port_count);
    for (size_t i = 0; order == 0 && i < a->port_count; i++) {
        order = compare_numbers(a->ports[i].first, b->ports[i].first);
        order = order != 0 ? order : compare_numbers(a->ports[i].last, b->ports[i].last);
    }
    order = order != 0 ? order : compare_numbers(a->protocols, b->protocols);
    order = order != 0 ? order : compare_numbers(a->name_check_said, b->name_check_said);
    order = order != 0 ? order : compare_numbers(a->name_check, b->name_check);
    return order != 0 ? order : compare_numbers(a->allow_private, b->allow_private);
}

int rule_compare(const struct rule *a, const struct rule *b)
{
    int order = compare_numbers(a->section, b->section);

    order = order != 0 ? order : compare_texts(a->id, b->id);
    order = order != 0 ? order : compare_numbers(a->action, b->action);
    order = order != 0 ? order : compare_numbers(a->enforced, b->enforced);
    order = order != 0 ? order : compare_numbers(a->override, b->override);
    order = order != 0 ? order : compare_numbers(a->operations, b->operations);
    order = order != 0 ? order : compare_texts(a->message, b->message);
    order = order != 0 ? order : compare_numbers(a->pattern_count, b->pattern_count);
    for (size_t i = 0; order == 0 && i < a->pattern_count; i++) {
        order = compare_texts(a->patterns[i], b->patterns[i]);
    }
    return order != 0 ? order : compare_network(a, b);
}

struct str_view origin_text(struct arena *arena, const struct origin *origin)
{
    char text[4096 + 64];
    int length;

    if (origin->file == NULL) {
        return (struct str_view){0};
    }
    length = snprintf(text, sizeof(text), "%s:%u:%u", origin->file, origin->line, origin->column);
    if (length < 0 || (size_t)length >= sizeof(text)) {
        return (struct str_view){0};
    }
    return arena_copy(arena, (struct str_view){.bytes = text, .length = (size_t)length});
}
