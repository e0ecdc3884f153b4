#include "shared/policy/policy_import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "shared/base/cleanup.h"
#include "shared/policy/policy_import_parts.h"
#include "shared/policy/policy_print.h"

static bool is_dropped(const struct importer *importer, const char *key)
{
    for (size_t i = 0; i < importer->options->drop_count; i++) {
        if (strcmp(importer->options->drops[i], key) == 0) {
            return true;
        }
    }
    return false;
}

void importer_refuse(struct importer *importer, const struct node *node, const char *key,
                     const char *why_format, ...)
{
    struct failure complaint = {0};
    char why[256];
    va_list args;

    va_start(args, why_format);
    vsnprintf(why, sizeof(why), why_format, args);
    va_end(args);
    if (is_dropped(importer, key)) {
        text_buffer_printf(&importer->head, "# dropped: %s (line %u): %s\n", key, node->line, why);
        return;
    }
    importer->complaints++;
    failure_set(&complaint, -EINVAL, "%s: %s", key, why);
    failure_set_needed(&complaint, "%s:%u:%u", importer->source->file, node->line, node->column);
    failure_set_mend(&complaint, "--drop %s leaves it out, on the record", key);
    importer->complain(importer->context, &complaint);
}

const struct node *node_member(const struct node *map, const char *name)
{
    for (const struct node *key = map != NULL && map->kind == NODE_MAP ? map->first : NULL;
         key != NULL; key = key->next) {
        if (str_view_equals_text(key->text, name)) {
            return key->value;
        }
    }
    return NULL;
}

struct str_view node_text(const struct node *node)
{
    return node != NULL && node->kind == NODE_SCALAR ? node->text : STR_VIEW_LITERAL("");
}

void append_quoted_list(struct text_buffer *text, const struct node *list)
{
    text_buffer_append_char(text, '[');
    for (const struct node *item = list->first; item != NULL; item = item->next) {
        text_buffer_append_text(text, item == list->first ? "" : ", ");
        text_buffer_append_yaml_string(text, node_text(item));
    }
    text_buffer_append_char(text, ']');
}

/* Comments of the JSON dialect become blanks, so that lines and columns stay. */
static void blank_comments(char *bytes, size_t length)
{
    bool quoted = false;

    for (size_t i = 0; i + 1 < length; i++) {
        if (quoted) {
            i += bytes[i] == '\\' ? 1 : 0;
            quoted = bytes[i] != '"';
        } else if (bytes[i] == '"') {
            quoted = true;
        } else if (bytes[i] == '/' && bytes[i + 1] == '/') {
            while (i < length && bytes[i] != '\n') {
                bytes[i++] = ' ';
            }
        } else if (bytes[i] == '/' && bytes[i + 1] == '*') {
            while (i < length && !(bytes[i] == '*' && i + 1 < length && bytes[i + 1] == '/')) {
                bytes[i] = bytes[i] == '\n' ? '\n' : ' ';
                i++;
            }
            for (size_t end = i + 2; i < end && i < length; i++) {
                bytes[i] = ' ';
            }
            i--;
        }
    }
}

static bool looks_like_json(struct str_view text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (strchr(" \t\r\n", text.bytes[i]) == NULL) {
            return text.bytes[i] == '{' || text.bytes[i] == '/';
        }
    }
    return false;
}

static void append_section(struct text_buffer *text, const char *name,
                           const struct text_buffer *section)
{
    if (section->length > 0) {
        text_buffer_printf(text, "%s:\n", name);
        text_buffer_append(text, text_buffer_view(section));
    }
}

static int import_root(struct importer *importer, const struct node *root, const struct node *tools,
                       struct failure *reterr)
{
    const struct node *rules = node_member(root, "rules");

    if (rules == NULL || rules->kind == NODE_SCALAR) {
        return document_refuse(importer->source, root, reterr,
                               "import reads {policy, rules: [{id, type, action, pattern}]} and "
                               "rules: {allowed_tools, network, …}",
                               "this is neither of the two dialects");
    }
    text_buffer_append_text(importer->text, "version: 1\n");
    if (rules->kind == NODE_LIST) {
        import_rule_list(importer, root);
    } else {
        import_tool_policy(importer, root, tools);
    }
    text_buffer_append(importer->text, text_buffer_view(&importer->head));
    append_section(importer->text, "filesystem", &importer->filesystem);
    append_section(importer->text, "network", &importer->network);
    append_section(importer->text, "process", &importer->process);
    append_section(importer->text, "limits", &importer->limits);
    return importer->complaints;
}

int policy_import(struct str_view input, const struct document_source *source,
                  const struct import_options *options, import_complain *complain, void *context,
                  struct text_buffer *text, struct failure *reterr)
{
    struct importer importer = {.source = source,
                                .options = options,
                                .complain = complain,
                                .context = context,
                                .text = text};
    struct document_source tools_source = {.file = options->tools_file};
    AUTO(arena_clear) struct arena arena = {0};
    AUTO_FREE char *copy = malloc(input.length + 1);
    struct node *root;
    struct node *tools = NULL;
    int result;

    if (copy == NULL) {
        return failure_set(reterr, -ENOMEM, "out of memory while importing");
    }
    memcpy(copy, input.bytes == NULL ? "" : input.bytes, input.length);
    copy[input.length] = '\0';
    if (looks_like_json(input)) {
        blank_comments(copy, input.length);
    }
    result = document_parse((struct str_view){.bytes = copy, .length = input.length}, source,
                            &arena, &root, reterr);
    if (result == 0 && options->tools.bytes != NULL) {
        result = document_parse(options->tools, &tools_source, &arena, &tools, reterr);
    }
    if (result == 0) {
        result = import_root(&importer, root, tools, reterr);
    }
    text_buffer_clear(&importer.head);
    text_buffer_clear(&importer.filesystem);
    text_buffer_clear(&importer.network);
    text_buffer_clear(&importer.process);
    text_buffer_clear(&importer.limits);
    return result >= 0 && text_buffer_error(text) < 0 ? text_buffer_error(text) : result;
}
