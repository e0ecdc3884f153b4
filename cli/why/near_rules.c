#include "cli/why/near_rules.h"

#include <inttypes.h>
#include <string.h>

#include "cli/replay/decide_again.h"
#include "cli/why/remedy.h"
#include "shared/base/cleanup.h"

struct search {
    const struct policy *policy;
    const struct audit_record *record;
    struct near_rules *near;
};

/* The place for a rule that permits `varied`; NULL when none does, or it was named already. */
static struct near_rule *ask(struct search *search, const struct audit_record *varied)
{
    struct near_rules *near = search->near;
    struct decided_again again = decide_again(search->policy, varied);

    if (again.by != DECIDED_BY_POLICY || again.decision == AUDIT_DECISION_BLOCKED ||
        policy_rule_origin(search->policy, again.rule).length == 0 ||
        near->count == NEAR_RULES_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < near->count; i++) {
        if (near->rules[i].rule.index == again.rule.index) {
            return NULL;
        }
    }
    near->rules[near->count].rule = again.rule;
    return &near->rules[near->count++];
}

static void append_operation(struct text_buffer *text, const struct audit_record *record)
{
    json_text_append(text, record->call.op);
    text_buffer_append_text(text, " of ");
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void ask_operations(struct search *search)
{
    for (int i = 0; i < FS_LOOKUP; i++) {
        struct audit_record varied = *search->record;
        struct near_rule *found;

        varied.call.op =
            (struct json_text){.escaped = str_view_from(fs_operation_word((enum fs_operation)i))};
        varied.call.flags = 0; /* of an open, they would ask for its other operations too */
        found = ask(search, &varied);
        if (found != NULL) {
            append_operation(&found->allows, &varied);
            text_buffer_append_text(&found->allows, "this path");
        }
    }
}

/* The directory that has the name; 0 at the root. The writer never escapes a slash. */
static size_t parent_length(struct str_view path)
{
    const char *slash = path.length == 0 ? NULL : memrchr(path.bytes, '/', path.length);

    return slash == NULL ? 0 : (size_t)(slash - path.bytes);
}

/* A name that only a pattern can mean stands for all other names of the directory. */
static void ask_sibling(struct search *search)
{
    AUTO(text_buffer_clear) struct text_buffer name = {0};
    struct audit_record varied = *search->record;
    struct json_text directory = varied.call.path.text;
    struct near_rule *found;

    directory.escaped.length = parent_length(directory.escaped);
    text_buffer_append(&name, directory.escaped);
    text_buffer_append_text(&name, directory.escaped.length > 0 ? "/another-name" : "another-name");
    if (search->record->source == AUDIT_SOURCE_EXEC && directory.escaped.length == 0) {
        text_buffer_reset(&name);
        text_buffer_append_text(&name, "/another-name");
    }
    varied.call.path.text.escaped = text_buffer_view(&name);
    found = ask(search, &varied);
    if (found != NULL) {
        append_operation(&found->allows, &varied);
        text_buffer_append_text(&found->allows, "other names in ");
        json_text_append(&found->allows, directory);
        text_buffer_append_char(&found->allows, '/');
    }
}

static void ask_parents(struct search *search)
{
    struct audit_record varied = *search->record;
    struct str_view *path = &varied.call.path.text.escaped;

    while ((path->length = parent_length(*path)) > 0) {
        struct near_rule *found = ask(search, &varied);

        if (found != NULL) {
            append_operation(&found->allows, &varied);
            json_text_append(&found->allows, varied.call.path.text);
            text_buffer_append_char(&found->allows, '/');
        }
    }
}

static void ask_paths(struct search *search)
{
    if (record_bytes_present(&search->record->call.path2)) {
        return; /* which of the two names was refused is not in the record */
    }
    if (search->record->source == AUDIT_SOURCE_FS) {
        ask_operations(search);
    }
    if (search->record->call.path.hex.length == 0) { /* else the text is not the name */
        ask_sibling(search);
        ask_parents(search);
    }
}

/* ---- hosts ----------------------------------------------------------------------------------- */

/* May the name be resolved: some rule allows it at some port. */
static bool name_is_known(const struct search *search, struct audit_record varied)
{
    varied.source = AUDIT_SOURCE_DNS;
    return decide_again(search->policy, &varied).decision != AUDIT_DECISION_BLOCKED;
}

static void ask_ports(struct search *search)
{
    struct audit_record varied = *search->record;

    if (varied.source != AUDIT_SOURCE_NET ||
        (record_bytes_present(&varied.call.host) && !name_is_known(search, varied))) {
        return;
    }
    for (varied.call.port = 1; varied.call.port <= UINT16_MAX; varied.call.port++) {
        struct near_rule *found = ask(search, &varied);

        if (found != NULL) {
            text_buffer_printf(&found->allows, "this host at port %" PRIu64, varied.call.port);
        }
        if (search->near->count == NEAR_RULES_MAX) {
            return;
        }
    }
}

static void ask_domains(struct search *search)
{
    struct audit_record varied = *search->record;
    struct str_view *host = &varied.call.host.text.escaped;
    const char *dot;

    if (varied.call.host.hex.length > 0) {
        return;
    }
    while (host->length > 0 && (dot = memchr(host->bytes, '.', host->length)) != NULL) {
        struct near_rule *found;

        host->length -= (size_t)(dot + 1 - host->bytes);
        host->bytes = dot + 1;
        found = ask(search, &varied);
        if (found != NULL) {
            text_buffer_append_text(&found->allows, "the domain ");
            json_text_append(&found->allows, varied.call.host.text);
        }
    }
}

/* ---- */

void near_rules_find(const struct policy *policy, const struct audit_record *record,
                     struct near_rules *ret_near)
{
    struct search search = {.policy = policy, .record = record, .near = ret_near};
    struct decided_again again = decide_again(policy, record);

    *ret_near = (struct near_rules){0};
    if (again.by != DECIDED_BY_POLICY || again.decision != AUDIT_DECISION_BLOCKED ||
        denial_code_from(record->code) == DENIAL_SSRF_BLOCKED) {
        return;
    }
    switch (record->source) {
    case AUDIT_SOURCE_FS:
    case AUDIT_SOURCE_EXEC:
        ask_paths(&search);
        break;
    case AUDIT_SOURCE_NET:
    case AUDIT_SOURCE_DNS:
        ask_ports(&search);
        ask_domains(&search);
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
    case AUDIT_SOURCE_COUNT:
        break;
    }
}

void near_rules_clear(struct near_rules *near)
{
    for (size_t i = 0; i < near->count; i++) {
        text_buffer_clear(&near->rules[i].allows);
    }
    *near = (struct near_rules){0};
}
