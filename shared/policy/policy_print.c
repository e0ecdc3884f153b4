#include "shared/policy/policy_print.h"

#include <inttypes.h>

#include "shared/base/cleanup.h"

#include "shared/base/utf8.h"
#include "shared/policy/path_automaton.h"

/* Code points that YAML readers fold, refuse or strip when they stand bare. */
static bool wants_escape(uint32_t point)
{
    return (point >= 0x80 && point < 0xA0) || point == 0x2028 || point == 0x2029 ||
           point == 0xFEFF || (point & 0xFFFE) == 0xFFFE;
}

static uint32_t code_point(const char *bytes, size_t length)
{
    static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = (unsigned char)bytes[0] & first_mask[length];

    for (size_t i = 1; i < length; i++) {
        point = point << 6 | ((unsigned char)bytes[i] & 0x3FU);
    }
    return point;
}

void text_buffer_append_yaml_string(struct text_buffer *text, struct str_view value)
{
    text_buffer_append_char(text, '"');
    for (size_t i = 0; i < value.length;) {
        size_t length = utf8_sequence_length(value.bytes + i, value.length - i);
        uint32_t point = length == 0 ? 0xFFFD : code_point(value.bytes + i, length);

        if (point == '"' || point == '\\') {
            text_buffer_append_char(text, '\\');
            text_buffer_append_char(text, (char)point);
        } else if (point < 0x20 || point == 0x7F || (point < 0x10000 && wants_escape(point))) {
            text_buffer_printf(text, "\\u%04" PRIx32, point);
        } else if (wants_escape(point)) {
            text_buffer_printf(text, "\\U%08" PRIx32, point);
        } else if (length == 0) {
            text_buffer_append_text(text, "\xEF\xBF\xBD");
        } else {
            text_buffer_append(text, (struct str_view){.bytes = value.bytes + i, .length = length});
        }
        i += length == 0 ? 1 : length;
    }
    text_buffer_append_char(text, '"');
}

struct printer {
    const struct model *model;
    bool origins;
    struct text_buffer *text;
    const char *open; /* maps whose lines are printed: "network.dns." */
};

static void print_member(struct text_buffer *text, const char *key, struct str_view value)
{
    if (value.bytes != NULL) {
        text_buffer_printf(text, "%s: ", key);
        text_buffer_append_yaml_string(text, value);
        text_buffer_append_char(text, '\n');
    }
}

static void print_flow_texts(struct text_buffer *text, const char *key,
                             const struct str_view *items, size_t count)
{
    if (count == 0) {
        return;
    }
    text_buffer_printf(text, ", %s: [", key);
    for (size_t i = 0; i < count; i++) {
        text_buffer_append_text(text, i == 0 ? "" : ", ");
        text_buffer_append_yaml_string(text, items[i]);
    }
    text_buffer_append_char(text, ']');
}

static void print_flow_bits(struct text_buffer *text, const char *key, const char *const *words,
                            size_t count, unsigned int bits)
{
    bool first = true;

    text_buffer_printf(text, ", %s: [", key);
    for (size_t i = 0; i < count; i++) {
        if ((bits >> i & 1) != 0) {
            text_buffer_printf(text, "%s%s", first ? "" : ", ", words[i]);
            first = false;
        }
    }
    text_buffer_append_char(text, ']');
}

static void print_network_part(struct text_buffer *text, const struct rule *rule)
{
    char prefix[IP_PREFIX_TEXT_MAX];

    print_flow_texts(text, "hosts", rule->patterns, rule->pattern_count);
    if (rule->prefix_count > 0) {
        text_buffer_append_text(text, ", addresses: [");
        for (size_t i = 0; i < rule->prefix_count; i++) {
            text_buffer_printf(text, "%s\"%s\"", i == 0 ? "" : ", ",
                               ip_prefix_format(&rule->prefixes[i], prefix));
        }
        text_buffer_append_char(text, ']');
    }
    text_buffer_append_text(text, ", ports: [");
    for (size_t i = 0; i < rule->port_count; i++) {
        const struct port_range *range = &rule->ports[i];

        text_buffer_append_text(text, i == 0 ? "" : ", ");
        if (range->first == 1 && range->last == 65535) {
            text_buffer_append_text(text, "any");
        } else if (range->first == range->last) {
            text_buffer_printf(text, "%u", range->first);
        } else {
            text_buffer_printf(text, "%u-%u", range->first, range->last);
        }
    }
    text_buffer_append_char(text, ']');
    print_flow_bits(text, "protocols", protocol_words, 2, rule->protocols);
    if (rule->name_check_said) {
        text_buffer_printf(text, ", name_check: %s", name_check_words[rule->name_check]);
    }
    if (rule->allow_private) {
        text_buffer_append_text(text, ", allow_private: true");
    }
}

static void print_rule(struct printer *printer, const struct rule *rule)
{
    struct text_buffer *text = printer->text;

    text_buffer_append_text(text, "{id: ");
    text_buffer_append_yaml_string(text, rule->id);
    text_buffer_printf(text, ", action: %s", verdict_words[rule->action]);
    if (rule->section == SECTION_NETWORK) {
        print_network_part(text, rule);
    } else if (rule->section == SECTION_PROCESS) {
        print_flow_texts(text, "executables", rule->patterns, rule->pattern_count);
    } else {
        if (rule->operations != PATH_ALL_OPERATIONS) {
            print_flow_bits(text, "operations", operation_words, FS_LOOKUP, rule->operations);
        }
        print_flow_texts(text, "paths", rule->patterns, rule->pattern_count);
    }
    if (rule->message.bytes != NULL) {
        text_buffer_append_text(text, ", message: ");
        text_buffer_append_yaml_string(text, rule->message);
    }
    text_buffer_append_text(text, rule->override ? ", override: true" : "");
    text_buffer_append_text(text, rule->enforced ? ", enforce: true" : "");
    if (printer->origins && (rule->origin_text.bytes != NULL || rule->origin.file != NULL)) {
        text_buffer_append_text(text, ", origin: ");
        if (rule->origin_text.bytes != NULL) {
            text_buffer_append_yaml_string(text, rule->origin_text);
        } else {
            AUTO(text_buffer_clear) struct text_buffer origin = {0};

            text_buffer_printf(&origin, "%s:%u:%u", rule->origin.file, rule->origin.line,
                               rule->origin.column);
            text_buffer_append_yaml_string(text, text_buffer_view(&origin));
        }
    }
    text_buffer_append_char(text, '}');
}

void rule_print(const struct rule *rule, struct text_buffer *text)
{
    struct printer printer = {.text = text};

    print_rule(&printer, rule);
}

static void print_rules(struct printer *printer, enum section section)
{
    bool first = true;

    for (size_t i = 0; i < printer->model->rule_count; i++) {
        const struct rule *rule = &printer->model->rules[i];

        if (rule->section == section) {
            text_buffer_append_text(printer->text, first ? "  rules:\n" : "");
            text_buffer_append_text(printer->text, "    - ");
            print_rule(printer, rule);
            text_buffer_append_char(printer->text, '\n');
            first = false;
        }
    }
}

/* "dns.budget.burst": prints the maps "dns" and "budget" when they are not open yet. */
static void print_path(struct text_buffer *text, const char *path, const char **open)
{
    size_t depth = 1;
    const char *name = path;
    const char *dot;

    while ((dot = strchr(name, '.')) != NULL) {
        size_t length = (size_t)(dot + 1 - path);

        depth++;
        if (*open == NULL || strlen(*open) < length || memcmp(*open, path, length) != 0) {
            text_buffer_printf(text, "%*s%.*s:\n", (int)(depth - 1) * 2, "", (int)(dot - name),
                               name);
        }
        name = dot + 1;
    }
    text_buffer_printf(text, "%*s%s: ", (int)depth * 2, "", name);
    *open = path;
}

static void print_list(struct text_buffer *text, const struct texts *list)
{
    text_buffer_append_char(text, '[');
    for (size_t i = 0; i < list->count; i++) {
        text_buffer_append_text(text, i == 0 ? "" : ", ");
        text_buffer_append_yaml_string(text, list->items[i].text);
    }
    text_buffer_append_text(text, "]\n");
}

struct entry {
    const char *path;
    const struct texts *list; /* NULL: a setting */
    enum setting setting;
};

/* What the section says, in the order of paths, so that each map is opened once. */
static struct entry next_entry(const struct model *model, enum section section, const char *after)
{
    struct entry next = {0};

    for (enum text_list list = 0; list < LIST_COUNT; list++) {
        const char *path = text_list_row(list)->path;

        if (text_list_row(list)->section == section && model->lists[list].count > 0 &&
            (after == NULL || strcmp(path, after) > 0) &&
            (next.path == NULL || strcmp(path, next.path) < 0)) {
            next = (struct entry){.path = path, .list = &model->lists[list]};
        }
    }
    for (enum setting setting = 0; setting < SETTING_COUNT; setting++) {
        const char *path = setting_row(setting)->path;

        if (setting_row(setting)->section == section && model->settings[setting].said &&
            (after == NULL || strcmp(path, after) > 0) &&
            (next.path == NULL || strcmp(path, next.path) < 0)) {
            next = (struct entry){.path = path, .setting = setting};
        }
    }
    return next;
}

static void print_section(struct printer *printer, enum section section)
{
    const struct model *model = printer->model;
    struct text_buffer *text = printer->text;
    size_t before = text->length;
    const char *open = NULL;
    char quantity[QUANTITY_TEXT_MAX];

    text_buffer_printf(text, "%s:\n", section_words[section]);
    for (;;) {
        struct entry entry = next_entry(model, section, open);

        if (entry.path == NULL) {
            break;
        }
        print_path(text, entry.path, &open);
        if (entry.list != NULL) {
            print_list(text, entry.list);
        } else {
            text_buffer_printf(
                text, "%s\n",
                setting_format(entry.setting, model->settings[entry.setting].value, quantity));
        }
    }
    print_rules(printer, section);
    if (text->length == before + strlen(section_words[section]) + 2) {
        text->length = before;
        if (model->present[section]) {
            text_buffer_printf(text, "%s: {}\n", section_words[section]);
        } else if (text->bytes != NULL) {
            text->bytes[before] = '\0';
        }
    }
}

static void print_breakers(struct printer *printer)
{
    char quantity[QUANTITY_TEXT_MAX];

    for (size_t i = 0; i < printer->model->breaker_count; i++) {
        const struct breaker_rule *breaker = &printer->model->breakers[i];

        text_buffer_append_text(printer->text, i == 0 ? "breaker:\n" : "");
        text_buffer_printf(printer->text,
                           "  - {event: %s, count: %" PRIu64 ", within: %s, action: %s",
                           breaker_event_words[breaker->event], breaker->count,
                           quantity_format(QUANTITY_DURATION, breaker->within_ms, quantity),
                           breaker_action_words[breaker->action]);
        if (breaker->share > 0) {
            text_buffer_printf(printer->text, ", share: %s",
                               quantity_format(QUANTITY_PERCENT, breaker->share, quantity));
        }
        print_flow_texts(printer->text, "except", breaker->except, breaker->except_count);
        text_buffer_append_text(printer->text, "}\n");
    }
}

void model_print(const struct model *model, bool origins, struct text_buffer *text)
{
    struct printer printer = {.model = model, .origins = origins, .text = text};
    const struct setting_value *on_violation = &model->settings[SETTING_ON_VIOLATION];

    text_buffer_append_text(text, "version: 1\nresolved: true\n");
    print_member(text, "name", model->name);
    print_member(text, "revision", model->revision);
    print_member(text, "description", model->description);
    if (on_violation->said) {
        text_buffer_printf(text, "on_violation: %s\n",
                           setting_row(SETTING_ON_VIOLATION)->words[on_violation->value]);
    }
    for (enum section section = SECTION_FILESYSTEM; section < SECTION_COUNT; section++) {
        if (section == SECTION_AUDIT) {
            print_breakers(&printer);
        }
        print_section(&printer, section);
    }
}
