#include "shared/policy/policy_json.h"

#include "shared/base/cleanup.h"
#include "shared/policy/document.h"

/* The canonical form writes numbers and booleans bare, and every text that looks like one quoted.
 */
static bool is_json_literal(const struct node *node)
{
    if (node->quoted || node->text.length == 0) {
        return false;
    }
    for (size_t i = 0; i < node->text.length; i++) {
        if (node->text.bytes[i] < '0' || node->text.bytes[i] > '9') {
            return str_view_equals_text(node->text, "true") ||
                   str_view_equals_text(node->text, "false");
        }
    }
    return true;
}

/* As deep as document_parse() lets a text be. */
static void append(struct text_buffer *text, const struct node *node)
{
    switch (node->kind) {
    case NODE_SCALAR:
        if (is_json_literal(node)) {
            text_buffer_append(text, node->text);
        } else {
            text_buffer_append_json_string(text, node->text);
        }
        return;
    case NODE_LIST:
        text_buffer_append_char(text, '[');
        for (const struct node *item = node->first; item != NULL; item = item->next) {
            text_buffer_append_text(text, item == node->first ? "" : ",");
            append(text, item);
        }
        text_buffer_append_char(text, ']');
        return;
    case NODE_MAP:
        text_buffer_append_char(text, '{');
        for (const struct node *key = node->first; key != NULL; key = key->next) {
            text_buffer_append_text(text, key == node->first ? "" : ",");
            text_buffer_append_json_string(text, key->text);
            text_buffer_append_char(text, ':');
            append(text, key->value);
        }
        text_buffer_append_char(text, '}');
        return;
    }
}

int policy_text_to_json(struct str_view yaml, struct text_buffer *text, struct failure *reterr)
{
    static const struct document_source source = {.file = "<policy>"};
    AUTO(arena_clear) struct arena arena = {0};
    struct node *root;
    int error = document_parse(yaml, &source, &arena, &root, reterr);

    if (error < 0) {
        return error;
    }
    append(text, root);
    text_buffer_append_char(text, '\n');
    return text_buffer_error(text);
}
