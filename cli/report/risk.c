#include "cli/log/sensitive.h"
#include "cli/report/model.h"
#include "shared/base/cleanup.h"
#include "shared/policy/denial_codes.h"

const char *report_risk_title(enum report_risk risk)
{
    static const char *const titles[] = {
#define RISK_TITLE(name, title, meaning) title,
        REPORT_RISK_TABLE(RISK_TITLE)
#undef RISK_TITLE
    };

    return titles[risk];
}

const char *report_risk_meaning(enum report_risk risk)
{
    static const char *const meanings[] = {
#define RISK_MEANING(name, title, meaning) meaning,
        REPORT_RISK_TABLE(RISK_MEANING)
#undef RISK_MEANING
    };

    return meanings[risk];
}

static enum denial_code code_of(struct json_text word)
{
    for (enum denial_code code = 1; code < DENIAL_CODE_COUNT; code++) {
        if (json_text_equals(word, str_view_from(denial_code_word(code)))) {
            return code;
        }
    }
    return DENIAL_NONE;
}

/* `otherwise`: what it is when there is nothing sensitive about the path. */
static enum report_risk risk_of_path(const struct audit_record *record, enum report_risk otherwise)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    const char *what;

    record_bytes_append(&path, &record->call.path);
    what = path_sensitivity(text_buffer_view(&path), true);
    if (what != NULL) {
        return strstr(what, "execute") != NULL || strstr(what, "trust") != NULL ? RISK_HOST_TOOLS
                                                                                : RISK_SECRETS;
    }
    return otherwise;
}

static bool removes(const struct audit_record *record)
{
    return json_text_equals(record->call.op, STR_VIEW_LITERAL("delete")) ||
           json_text_equals(record->call.op, STR_VIEW_LITERAL("rename"));
}

/* Programs look for settings in many places by themselves; what is grave is whose they are. */
static bool only_looks(const struct audit_record *record)
{
    return json_text_equals(record->call.op, STR_VIEW_LITERAL("lookup")) ||
           json_text_equals(record->call.op, STR_VIEW_LITERAL("list"));
}

enum report_risk report_risk_of(const struct audit_record *record)
{
    switch (code_of(record->code)) {
    case DENIAL_PATH_DENIED:
    case DENIAL_READ_ONLY:
        return risk_of_path(record, removes(record) ? RISK_DELETION : RISK_FILES);
    case DENIAL_PATH_HIDDEN:
        return RISK_SECRETS;
    case DENIAL_OUTSIDE_VIEW:
        return risk_of_path(record, only_looks(record) ? RISK_FILES : RISK_ESCAPE);
    case DENIAL_LINK_ESCAPE:
    case DENIAL_RENAME_ESCAPE:
        return risk_of_path(record, RISK_ESCAPE);
    case DENIAL_EXEC_DENIED:
    case DENIAL_SYSCALL_DENIED:
        return RISK_PROGRAMS;
    case DENIAL_SSRF_BLOCKED:
    case DENIAL_DNS_REBINDING:
        return RISK_PRIVATE_NETWORK;
    case DENIAL_DOMAIN_DENIED:
    case DENIAL_ADDRESS_DENIED:
    case DENIAL_PORT_DENIED:
    case DENIAL_PROTOCOL_DENIED:
    case DENIAL_NAME_MISMATCH:
    case DENIAL_DNS_MALFORMED:
    case DENIAL_PACKET_MALFORMED:
        return RISK_HOSTS;
    case DENIAL_DNS_BUDGET:
    case DENIAL_BUDGET_EXCEEDED:
    case DENIAL_LIMIT_TIME:
    case DENIAL_LIMIT_MEMORY:
    case DENIAL_LIMIT_CPU:
    case DENIAL_LIMIT_PROCESSES:
    case DENIAL_LIMIT_OUTPUT:
    case DENIAL_LIMIT_DISK:
    case DENIAL_BREAKER_TRIPPED:
        return RISK_LIMITS;
    case DENIAL_NONE:
    case DENIAL_AUDIT_UNAVAILABLE:
    case DENIAL_POLICY_INVALID:
    case DENIAL_INTERNAL:
    case DENIAL_CODE_COUNT:
        break;
    }
    return RISK_INTERNAL;
}
