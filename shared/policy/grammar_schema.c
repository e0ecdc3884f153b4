#include "shared/policy/grammar_schema.h"

#include "shared/policy/grammar.h"
#include "shared/policy/model.h"

#define TEXT "{\"type\":\"string\",\"minLength\":1"

static void append_shape(struct text_buffer *text, const struct shape *shape);

static void append_words(struct text_buffer *text, const char *const *words, size_t count)
{
    text_buffer_append_text(text, "{\"enum\":[");
    for (size_t i = 0; i < count; i++) {
        text_buffer_append_text(text, i == 0 ? "" : ",");
        text_buffer_append_json_string(text, str_view_from(words[i]));
    }
    text_buffer_append_char(text, ']');
}

/* Open: the caller adds a description and closes it. */
static void append_quantity(struct text_buffer *text, enum quantity quantity)
{
    switch (quantity) {
    case QUANTITY_COUNT:
        text_buffer_append_text(text,
                                "{\"type\":\"integer\",\"minimum\":1,\"maximum\":9007199254740992");
        return;
    case QUANTITY_SIZE:
        text_buffer_append_text(
            text, "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":9007199254740992},"
                  "{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]*)(KiB|MiB|GiB|TiB)$\"}]");
        return;
    case QUANTITY_DURATION:
        text_buffer_append_text(
            text, "{\"type\":\"string\",\"pattern\":\"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+"
                  "m)?([0-9]+s)?([0-9]+ms)?$\"");
        return;
    case QUANTITY_PERCENT:
        text_buffer_append_text(text, "{\"type\":\"string\",\"pattern\":\"^[0-9]+%$\"");
        return;
    }
}

static void append_setting(struct text_buffer *text, enum setting setting)
{
    const struct setting_row *row = setting_row(setting);

    if (row->words[0] == NULL) {
        append_quantity(text, row->quantity);
    } else if (strcmp(row->words[0], "false") == 0) {
        text_buffer_append_text(text, "{\"type\":\"boolean\"");
    } else {
        append_words(text, row->words, row->word_count);
    }
}

static void append_list(struct text_buffer *text, const char *items, size_t least)
{
    text_buffer_printf(text, "{\"type\":\"array\",\"minItems\":%zu,\"items\":%s", least, items);
}

static void append_shapes(struct text_buffer *text, const struct shape *shape)
{
    text_buffer_append_text(text, "{\"type\":\"array\",\"items\":");
    append_shape(text, shape);
    text_buffer_append_char(text, '}');
}

/* Open, as above. */
static void append_value(struct text_buffer *text, const struct key *key)
{
    switch (key->kind) {
    case VALUE_SETTING:
        append_setting(text, (enum setting)key->target);
        return;
    case VALUE_TEXTS:
    case VALUE_UPSTREAM:
    case VALUE_EXTENDS:
        append_list(text, TEXT "}", 0);
        return;
    case VALUE_NATIVE:
        append_list(text, TEXT ",\"pattern\":\"^[^*?\\\\[{]*(\\\\*\\\\*)?$\"}", 0);
        return;
    case VALUE_ABSOLUTE:
        append_list(text, TEXT ",\"pattern\":\"^(?!.*/\\\\.\\\\.(/|$))/.\"}", 0);
        return;
    case VALUE_SYNC:
        text_buffer_append_text(text, "{\"type\":\"array\",\"items\":");
        append_words(text, operation_words, FS_LOOKUP);
        text_buffer_append_char(text, '}');
        return;
    case VALUE_MAP:
        append_shape(text, key->shape);
        text->length--; /* open again */
        return;
    case VALUE_RULES:
    case VALUE_BREAKERS:
    case VALUE_TESTS:
        append_shapes(text, key->shape);
        text->length--;
        return;
    case VALUE_VERSION:
        text_buffer_append_text(text, "{\"const\":1");
        return;
    case VALUE_BOOLEAN:
        text_buffer_append_text(text, "{\"type\":\"boolean\"");
        return;
    case VALUE_NAME:
        text_buffer_append_text(text, "{\"type\":\"string\",\"pattern\":\"^[a-z0-9_+-]+$\"");
        return;
    case VALUE_TEXT:
    case VALUE_NET_CASE:
        text_buffer_append_text(text, TEXT);
        return;
    case VALUE_ID:
        text_buffer_append_text(text,
                                "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._-]{1,64}$\"");
        if (key->target == KEY_ID) {
            text_buffer_append_text(text, ",\"not\":{\"enum\":[\"default\",\"builtin\"]}");
        }
        return;
    case VALUE_WORD:
        append_words(text, key->words, key->word_count);
        return;
    case VALUE_WORDS:
        text_buffer_append_text(
            text, "{\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true,\"items\":");
        append_words(text, key->words, key->word_count);
        text_buffer_append_char(text, '}');
        return;
    case VALUE_PATTERNS:
        append_list(text, TEXT ",\"maxLength\":4095}", 1);
        return;
    case VALUE_EXECUTABLES:
        append_list(text, TEXT ",\"maxLength\":4095,\"pattern\":\"^(/|\\\\*\\\\*)\"}", 1);
        return;
    case VALUE_HOSTS:
        append_list(text, TEXT ",\"pattern\":\"^(\\\\*|(\\\\*\\\\.)?[^*/:\\\\s]+)$\"}", 1);
        return;
    case VALUE_ADDRESSES:
        append_list(text, TEXT ",\"pattern\":\"^[0-9A-Fa-f:.]+(/[0-9]+)?$\"}", 1);
        return;
    case VALUE_PORTS:
        append_list(text,
                    "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
                    "{\"type\":\"string\",\"pattern\":\"^(any|[1-9][0-9]*-[1-9][0-9]*)$\"}]}",
                    1);
        return;
    case VALUE_COUNT:
        append_quantity(text, QUANTITY_SIZE);
        return;
    case VALUE_DURATION:
        append_quantity(text, QUANTITY_DURATION);
        return;
    case VALUE_PERCENT:
        append_quantity(text, QUANTITY_PERCENT);
        return;
    case VALUE_FS_CASE:
        text_buffer_append_text(text, "{\"type\":\"array\",\"prefixItems\":[");
        append_words(text, operation_words, FS_LOOKUP);
        text_buffer_append_text(text, "}," TEXT "}],\"minItems\":2,\"maxItems\":2");
        return;
    case VALUE_EXEC_CASE:
        text_buffer_append_text(text, TEXT ",\"pattern\":\"^/\"");
        return;
    }
}

static void append_required(struct text_buffer *text, const struct shape *shape)
{
    bool first = true;

    text_buffer_append_text(text, ",\"required\":[");
    for (size_t i = 0; i < shape->key_count; i++) {
        if (shape->keys[i].required) {
            text_buffer_append_text(text, first ? "" : ",");
            text_buffer_append_json_string(text, str_view_from(shape->keys[i].name));
            first = false;
        }
    }
    text_buffer_append_char(text, ']');
}

static void append_members(struct text_buffer *text, const struct shape *shape)
{
    text_buffer_append_text(text,
                            "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (size_t i = 0; i < shape->key_count; i++) {
        text_buffer_append_text(text, i == 0 ? "" : ",");
        text_buffer_append_json_string(text, str_view_from(shape->keys[i].name));
        text_buffer_append_char(text, ':');
        append_value(text, &shape->keys[i]);
        text_buffer_append_text(text, ",\"description\":");
        text_buffer_append_json_string(text, str_view_from(shape->keys[i].help));
        text_buffer_append_char(text, '}');
    }
    text_buffer_append_char(text, '}');
    append_required(text, shape);
}

static void append_shape(struct text_buffer *text, const struct shape *shape)
{
    text_buffer_append_char(text, '{');
    append_members(text, shape);
    text_buffer_append_char(text, '}');
}

void grammar_schema_print(struct text_buffer *text)
{
    text_buffer_append_text(text, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                                  "\"$id\":\"failcore-policy-1.schema.json\","
                                  "\"title\":\"failcore policy, version 1\",");
    append_members(text, grammar_top());
    text_buffer_append_text(text, "}\n");
}
