#include "cli/why/remedy.h"

#include <ctype.h>
#include <inttypes.h>

#include "cli/log/sensitive.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/policy/operations.h"

#define ID_LENGTH_MAX 40U

enum denial_code denial_code_from(struct json_text word)
{
    for (enum denial_code code = 1; code < DENIAL_CODE_COUNT; code++) {
        if (json_text_equals(word, str_view_from(denial_code_word(code)))) {
            return code;
        }
    }
    return DENIAL_NONE;
}

static bool decided_by_default(const struct audit_record *record)
{
    return record->policy.rule.escaped.length == 0 ||
           json_text_equals(record->policy.rule, STR_VIEW_LITERAL("default"));
}

/* Characters that mean themselves in a pattern, in YAML's double quotes and on a terminal. */
static bool is_literal(const struct text_buffer *text, const char *further)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->bytes[i];

        if (!isalnum(byte) && strchr(further, byte) == NULL) {
            return false;
        }
    }
    return text->length > 0;
}

/* "allow-vendor-notes-txt" */
static void append_id(struct text_buffer *text, const struct text_buffer *target)
{
    char last = '-';

    text_buffer_append_text(text, "allow-");
    for (size_t i = 0; i < target->length && i < ID_LENGTH_MAX; i++) {
        unsigned char byte = (unsigned char)target->bytes[i];
        char next = isalnum(byte) ? (char)tolower(byte) : '-';

        if (next != '-' || last != '-') {
            text_buffer_append_char(text, next);
        }
        last = next;
    }
}

static void append_mend(struct text_buffer *text, enum denial_code code)
{
    text_buffer_printf(text, "  %s\n",
                       code == DENIAL_NONE ? "nothing that this program knows of"
                                           : denial_code_mend(code));
}

static void append_rule_owner(struct text_buffer *text, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer rule = {0};

    json_text_append(&rule, record->policy.rule);
    text_buffer_append_text(text, "  Nothing beside it: rule ");
    inert_text_append(text, text_buffer_view(&rule), INERT_TERMINAL);
    text_buffer_append_text(text, " denies it, and a deny beats every allow.\n"
                                  "  Whoever owns the policy may narrow that rule.\n");
}

static bool is_rule_operation(const struct text_buffer *word)
{
    for (int i = 0; i < FS_LOOKUP; i++) {
        if (str_view_equals_text(text_buffer_view(word), fs_operation_word((enum fs_operation)i))) {
            return true;
        }
    }
    return false;
}

static bool request_changes(const struct text_buffer *operation)
{
    struct str_view word = text_buffer_view(operation);

    return !str_view_equals_text(word, "read") && !str_view_equals_text(word, "list") &&
           !str_view_equals_text(word, "execute") && !str_view_equals_text(word, "lookup");
}

static void append_path_remedy(struct text_buffer *text, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    AUTO(text_buffer_clear) struct text_buffer operation = {0};
    const char *sensitive;

    record_bytes_append(&path, &record->call.path);
    json_text_append(&operation, record->call.op);
    sensitive = path_sensitivity(text_buffer_view(&path), request_changes(&operation));
    if (sensitive != NULL) {
        text_buffer_printf(text,
                           "  This is %s: no rule is suggested for it. If the run\n"
                           "  really needs it, write the rule by hand, for this one name.\n",
                           sensitive);
    } else if (!decided_by_default(record)) {
        append_rule_owner(text, record);
    } else if (!is_literal(&path, "/._-+@ ") || !is_rule_operation(&operation)) {
        text_buffer_append_text(text, "  An allow rule for this name, written by hand: it has "
                                      "characters that mean more in a pattern.\n");
    } else {
        text_buffer_append_text(text, "  filesystem:\n    rules:\n      - {id: ");
        append_id(text, &path);
        text_buffer_printf(text, ", action: allow, operations: [%s], paths: [\"%s\"]}\n",
                           text_buffer_text(&operation), text_buffer_text(&path));
    }
}

static void append_host_remedy(struct text_buffer *text, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer host = {0};

    record_bytes_append(&host, &record->call.host);
    if (!decided_by_default(record)) {
        append_rule_owner(text, record);
    } else if (!is_literal(&host, ".-")) {
        append_mend(text, DENIAL_DOMAIN_DENIED);
    } else {
        text_buffer_append_text(text, "  If this run is meant to talk to that host:\n"
                                      "  network:\n    rules:\n      - {id: ");
        append_id(text, &host);
        text_buffer_printf(text, ", action: allow, hosts: [\"%s\"], ports: [%" PRIu64 "]}\n",
                           text_buffer_text(&host),
                           record->call.port == 0 ? 443 : record->call.port);
    }
}

void append_remedy(struct text_buffer *text, const struct audit_record *record)
{
    enum denial_code code = denial_code_from(record->code);

    if (code == DENIAL_SSRF_BLOCKED) {
        text_buffer_append_text(
            text,
            "  No host rule can: private, special-purpose and metadata addresses are closed to\n"
            "  names. Only an address rule that says allow_private, written by hand for the very\n"
            "  address and by somebody who knows what answers there.\n");
    } else if (code == DENIAL_PATH_DENIED && record_bytes_present(&record->call.path)) {
        append_path_remedy(text, record);
    } else if (code == DENIAL_DOMAIN_DENIED && record_bytes_present(&record->call.host)) {
        append_host_remedy(text, record);
    } else {
        append_mend(text, code);
    }
}
