/* The tool policy: rules: {allowed_tools, resource_limits, network: {allowed_domains}, …}. */
#include "shared/policy/policy_import_parts.h"
#include "shared/policy/policy_print.h"
#include "shared/policy/quantity.h"

static bool is_true(const struct node *node)
{
    return str_view_equals_text(node_text(node), "true");
}

static void import_tools(struct importer *importer, const char *key, const char *action,
                         const struct node *list, const struct node *tools)
{
    struct text_buffer *text = &importer->process;
    size_t written = 0;

    if (tools == NULL) {
        importer_refuse(importer, list, key,
                        "a tool is known by its executable: give --tools MAP, name to executable");
        return;
    }
    for (const struct node *item = list->first; item != NULL; item = item->next) {
        const struct node *executable = node_member(tools, node_text(item).bytes);

        if (executable == NULL || executable->kind != NODE_SCALAR) {
            importer_refuse(importer, item, key, "the map of tools has no \"%.*s\"",
                            STR_VIEW_PRINTF(node_text(item)));
            continue;
        }
        if (written++ == 0) {
            text_buffer_append_text(
                text, strstr(text_buffer_text(text), "  rules:") == NULL ? "  rules:\n" : "");
            text_buffer_printf(text, "    - {id: %s, action: %s, executables: [", key, action);
        } else {
            text_buffer_append_text(text, ", ");
        }
        text_buffer_append_yaml_string(text, executable->text);
    }
    text_buffer_append_text(text, written == 0 ? "" : "]}\n");
}

/* Whole numbers only; what they count is in the key. */
static bool import_limit(struct importer *importer, const struct node *value, const char *key,
                         const char *name, enum quantity quantity, uint64_t factor)
{
    char formatted[QUANTITY_TEXT_MAX];
    uint64_t number;

    if (quantity_parse(QUANTITY_COUNT, node_text(value), &number) < 0 || number == 0 ||
        number > QUANTITY_LARGEST / factor) {
        importer_refuse(importer, value, key, "not a whole number above 0");
        return false;
    }
    text_buffer_printf(&importer->limits, "  %s: %s\n", name,
                       quantity_format(quantity, number * factor, formatted));
    return true;
}

static void import_limits(struct importer *importer, const struct node *limits)
{
    for (const struct node *key = limits->first; key != NULL; key = key->next) {
        if (str_view_equals_text(key->text, "max_call_duration_seconds")) {
            (void)import_limit(importer, key->value, key->text.bytes, "wall_time",
                               QUANTITY_DURATION, 1000);
        } else if (str_view_equals_text(key->text, "max_memory_mb")) {
            (void)import_limit(importer, key->value, key->text.bytes, "memory", QUANTITY_SIZE,
                               (uint64_t)1 << 20);
        } else {
            importer_refuse(importer, key, key->text.bytes, "this limit is not enforced");
        }
    }
}

static void import_network(struct importer *importer, const struct node *network)
{
    const struct node *others = node_member(network, "deny_all_other");

    /* The rest of the public internet is open only where the old policy said so. */
    text_buffer_printf(&importer->network, "  default: %s\n",
                       others != NULL && str_view_equals_text(node_text(others), "false")
                           ? "allow_public"
                           : "deny");
    for (const struct node *key = network->first; key != NULL; key = key->next) {
        bool allowed = str_view_equals_text(key->text, "allowed_domains");
        bool denied = str_view_equals_text(key->text, "denied_domains");

        if ((allowed || denied) && key->value->kind == NODE_LIST) {
            if (key->value->first == NULL) {
                continue;
            }
            text_buffer_append_text(&importer->network,
                                    strstr(text_buffer_text(&importer->network), "  rules:") == NULL
                                        ? "  rules:\n"
                                        : "");
            text_buffer_printf(&importer->network,
                               "    - {id: %s, action: %s, hosts: ", key->text.bytes,
                               allowed ? "allow" : "deny");
            append_quoted_list(&importer->network, key->value);
            text_buffer_append_text(&importer->network, allowed ? ", ports: [80, 443]}\n" : "}\n");
        } else if (!str_view_equals_text(key->text, "deny_all_other") &&
                   !(str_view_equals_text(key->text, "enabled") && is_true(key->value))) {
            importer_refuse(importer, key, key->text.bytes, "this key has no meaning here");
        }
    }
}

static void import_post_call(struct importer *importer, const struct node *post_call)
{
    for (const struct node *key = post_call->first; key != NULL; key = key->next) {
        if (str_view_equals_text(key->text, "max_output_size_bytes")) {
            (void)import_limit(importer, key->value, key->text.bytes, "output_bytes", QUANTITY_SIZE,
                               1);
        } else if (is_true(key->value) || !str_view_equals_text(key->text, "redact_output")) {
            importer_refuse(importer, key, key->text.bytes, "content is not changed yet");
        }
    }
}

static void import_rules(struct importer *importer, const struct node *rules,
                         const struct node *tools)
{
    for (const struct node *key = rules->first; key != NULL; key = key->next) {
        const struct node *value = key->value;
        bool list = value->kind == NODE_LIST;
        bool map = value->kind == NODE_MAP;

        if (str_view_equals_text(key->text, "allowed_tools") && list) {
            if (tools != NULL) {
                text_buffer_append_text(&importer->process, "  default: deny\n");
            }
            import_tools(importer, "allowed_tools", "allow", value, tools);
        } else if (str_view_equals_text(key->text, "denied_tools") && list) {
            import_tools(importer, "denied_tools", "deny", value, tools);
        } else if (str_view_equals_text(key->text, "resource_limits") && map) {
            import_limits(importer, value);
        } else if (str_view_equals_text(key->text, "network") && map) {
            import_network(importer, value);
        } else if (str_view_equals_text(key->text, "post_call") && map) {
            import_post_call(importer, value);
        } else if (!str_view_equals_text(key->text, "pii_redaction") ||
                   !str_view_equals_text(node_text(node_member(value, "enabled")), "false")) {
            importer_refuse(importer, key, key->text.bytes, "this key has no meaning here yet");
        }
    }
}

void import_tool_policy(struct importer *importer, const struct node *root,
                        const struct node *tools)
{
    for (const struct node *key = root->first; key != NULL; key = key->next) {
        struct str_view value = node_text(key->value);

        if (str_view_equals_text(key->text, "name") ||
            str_view_equals_text(key->text, "description") ||
            str_view_equals_text(key->text, "version")) {
            text_buffer_printf(
                &importer->head,
                "%s: ", str_view_equals_text(key->text, "version") ? "revision" : key->text.bytes);
            text_buffer_append_yaml_string(&importer->head, value);
            text_buffer_append_char(&importer->head, '\n');
        } else if (str_view_equals_text(key->text, "on_violation") &&
                   (str_view_equals_text(value, "block") || str_view_equals_text(value, "log"))) {
            text_buffer_printf(&importer->head, "on_violation: %.*s\n", STR_VIEW_PRINTF(value));
        } else if (!str_view_equals_text(key->text, "rules")) {
            importer_refuse(importer, key, key->text.bytes, "this key has no meaning here");
        }
    }
    import_rules(importer, node_member(root, "rules"), tools);
}
