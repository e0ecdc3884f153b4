/* The rule list: {"policy": "enforce", "rules": [{"id", "type", "action", "pattern"}]}. */
#include "shared/base/ip_address.h"
#include "shared/policy/policy_import_parts.h"
#include "shared/policy/policy_print.h"

/* The pattern below the root that the mount stands for; absent: outside of it. */
static struct str_view below_root(const struct importer *importer, struct str_view pattern)
{
    struct str_view root = str_view_from(importer->options->root);

    while (root.length > 0 && root.bytes[root.length - 1] == '/') {
        root.length--;
    }
    if (pattern.length == 0 || pattern.bytes[0] != '/') {
        return pattern;
    }
    if (!str_view_starts_with(pattern, root) ||
        (pattern.length > root.length && pattern.bytes[root.length] != '/')) {
        return (struct str_view){0};
    }
    pattern.bytes += root.length;
    pattern.length -= root.length;
    while (pattern.length > 0 && pattern.bytes[0] == '/') {
        pattern.bytes++;
        pattern.length--;
    }
    return pattern.length == 0 ? STR_VIEW_LITERAL("**") : pattern;
}

/*
 * In the old dialect a final * may or may not cross slashes, depending on who reads it. A deny
 * takes the wide reading and an allow the narrow one.
 */
static void append_pattern(struct text_buffer *text, struct str_view pattern, bool deny)
{
    if (deny && str_view_ends_with(pattern, STR_VIEW_LITERAL("/*"))) {
        text_buffer_append_char(text, '"');
        text_buffer_append(text, (struct str_view){pattern.bytes, pattern.length - 1});
        text_buffer_append_text(text, "**\"");
        return;
    }
    text_buffer_append_yaml_string(text, pattern);
}

static void import_paths(struct importer *importer, struct str_view id, struct str_view action,
                         const struct node *pattern)
{
    const struct node *first = pattern->kind == NODE_LIST ? pattern->first : pattern;
    struct text_buffer *text = &importer->filesystem;
    bool deny = !str_view_equals_text(action, "allow");
    size_t written = 0;

    for (const struct node *item = first; item != NULL;
         item = pattern->kind == NODE_LIST ? item->next : NULL) {
        struct str_view path = below_root(importer, node_text(item));

        if (path.bytes == NULL && !deny) {
            importer_refuse(importer, item, "pattern", "%.*s lies outside --root %s",
                            STR_VIEW_PRINTF(node_text(item)), importer->options->root);
        }
        if (path.bytes == NULL) {
            text_buffer_printf(&importer->head,
                               "# %.*s (line %u) lies outside the root: nothing there is "
                               "reachable through the mount\n",
                               STR_VIEW_PRINTF(node_text(item)), item->line);
            continue;
        }
        if (written++ == 0) {
            text_buffer_append_text(text, text->length == 0 ? "  rules:\n" : "");
            text_buffer_append_text(text, "    - {id: ");
            text_buffer_append_yaml_string(text, id);
            text_buffer_printf(text, ", action: %s, paths: [", deny ? "deny" : "allow");
        } else {
            text_buffer_append_text(text, ", ");
        }
        append_pattern(text, path, deny);
    }
    text_buffer_append_text(text, written == 0 ? "" : "]}\n");
}

/* Names and addresses of one rule become two rules. */
static void import_endpoints(struct importer *importer, struct str_view id, struct str_view action,
                             const struct node *pattern, bool addresses)
{
    const struct node *first = pattern->kind == NODE_LIST ? pattern->first : pattern;
    struct text_buffer *text = &importer->network;
    size_t written = 0;

    for (const struct node *item = first; item != NULL;
         item = pattern->kind == NODE_LIST ? item->next : NULL) {
        struct ip_prefix prefix;

        if ((ip_prefix_parse(node_text(item), &prefix) == 0) != addresses) {
            continue;
        }
        if (written++ == 0) {
            text_buffer_append_text(text, text->length == 0 ? "  rules:\n" : "");
            text_buffer_append_text(text, "    - {id: ");
            text_buffer_append_yaml_string(text, id);
            text_buffer_printf(text, ", action: %.*s, %s: [", STR_VIEW_PRINTF(action),
                               addresses ? "addresses" : "hosts");
        } else {
            text_buffer_append_text(text, ", ");
        }
        text_buffer_append_yaml_string(text, node_text(item));
    }
    text_buffer_append_text(text, written == 0 ? "" : "]}\n");
}

static bool has_address(const struct node *pattern)
{
    const struct node *first = pattern->kind == NODE_LIST ? pattern->first : pattern;
    struct ip_prefix prefix;

    for (const struct node *item = first; item != NULL;
         item = pattern->kind == NODE_LIST ? item->next : NULL) {
        if (ip_prefix_parse(node_text(item), &prefix) == 0) {
            return true;
        }
    }
    return false;
}

static void import_rule(struct importer *importer, const struct node *rule)
{
    struct str_view id = node_text(node_member(rule, "id"));
    struct str_view type = node_text(node_member(rule, "type"));
    struct str_view action = node_text(node_member(rule, "action"));
    const struct node *pattern = node_member(rule, "pattern");

    for (const struct node *key = rule->kind == NODE_MAP ? rule->first : NULL; key != NULL;
         key = key->next) {
        if (!str_view_equals_text(key->text, "id") && !str_view_equals_text(key->text, "type") &&
            !str_view_equals_text(key->text, "action") &&
            !str_view_equals_text(key->text, "pattern") &&
            !str_view_equals_text(key->text, "description")) {
            importer_refuse(importer, key, key->text.bytes, "this key has no meaning here");
        }
    }
    if (id.length == 0 || pattern == NULL || pattern->kind == NODE_MAP) {
        importer_refuse(importer, rule, "rules", "a rule needs id, type, action and pattern");
        return;
    }
    if (!str_view_equals_text(action, "allow") && !str_view_equals_text(action, "deny")) {
        importer_refuse(importer, rule, "action", "\"%.*s\" is neither allow nor deny",
                        STR_VIEW_PRINTF(action));
        return;
    }
    if (str_view_equals_text(type, "filesystem")) {
        import_paths(importer, id, action, pattern);
    } else if (str_view_equals_text(type, "network")) {
        char text[128];

        import_endpoints(importer, id, action, pattern, false);
        snprintf(text, sizeof(text), "%.*s-addresses", STR_VIEW_PRINTF(id));
        if (has_address(pattern)) {
            import_endpoints(importer, str_view_from(text), action, pattern, true);
        }
    } else {
        importer_refuse(importer, rule, "type", "\"%.*s\" is neither filesystem nor network",
                        STR_VIEW_PRINTF(type));
    }
}

void import_rule_list(struct importer *importer, const struct node *root)
{
    for (const struct node *key = root->first; key != NULL; key = key->next) {
        if (str_view_equals_text(key->text, "policy")) {
            if (!str_view_equals_text(node_text(key->value), "enforce")) {
                importer_refuse(importer, key->value, "policy", "\"%.*s\" is not enforce",
                                STR_VIEW_PRINTF(node_text(key->value)));
            }
        } else if (str_view_equals_text(key->text, "name")) {
            text_buffer_append_text(&importer->head, "name: ");
            text_buffer_append_yaml_string(&importer->head, node_text(key->value));
            text_buffer_append_char(&importer->head, '\n');
        } else if (str_view_equals_text(key->text, "version")) {
            text_buffer_append_text(&importer->head, "revision: ");
            text_buffer_append_yaml_string(&importer->head, node_text(key->value));
            text_buffer_append_char(&importer->head, '\n');
        } else if (!str_view_equals_text(key->text, "rules")) {
            importer_refuse(importer, key, key->text.bytes, "this key has no meaning here");
        }
    }
    for (const struct node *rule = node_member(root, "rules")->first; rule != NULL;
         rule = rule->next) {
        import_rule(importer, rule);
    }
}
