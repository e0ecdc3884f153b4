#include "cli/replay/decide_again.h"

#include <fcntl.h>

#include "shared/base/cleanup.h"

/* The kernel sets it in every open(2) of a 64-bit program: flags with it are those of an open. */
#define OPENED 0100000U

static bool is_blocked(const struct audit_record *record)
{
    return record->policy.has_decision && record->policy.decision == AUDIT_DECISION_BLOCKED;
}

static bool code_is(const struct audit_record *record, enum denial_code code)
{
    return json_text_equals(record->code, str_view_from(denial_code_word(code)));
}

/* What had happened before decided, not the request: a count, a budget. */
static bool is_counted(const struct audit_record *record)
{
    return code_is(record, DENIAL_BREAKER_TRIPPED) || code_is(record, DENIAL_BUDGET_EXCEEDED) ||
           code_is(record, DENIAL_DNS_BUDGET);
}

/* Refused by the boundary, not by a rule: built-in address ranges are the policy engine's own. */
static bool is_boundary(const struct audit_record *record)
{
    return is_blocked(record) &&
           (is_counted(record) || record->phase != AUDIT_PHASE_POLICY ||
            (json_text_equals(record->policy.rule, STR_VIEW_LITERAL("builtin")) &&
             !code_is(record, DENIAL_SSRF_BLOCKED)));
}

static enum fs_operation operation_of(struct json_text word)
{
    enum fs_operation operation = 0;

    while (operation < FS_LOOKUP &&
           !json_text_equals(word, str_view_from(fs_operation_word(operation)))) {
        operation++;
    }
    return operation;
}

/* The record names the operation that decided; an open may have needed others beside it. */
static unsigned int needs_of(const struct audit_record *record)
{
    enum fs_operation operation = operation_of(record->call.op);
    uint64_t flags = record->call.flags;
    unsigned int needs = 1U << operation;

    if ((operation == FS_READ || operation == FS_WRITE) && (flags & OPENED) != 0) {
        needs |= (flags & O_ACCMODE) == O_RDWR ? 1U << FS_READ | 1U << FS_WRITE : 0;
        needs |= (flags & O_CREAT) != 0 ? 1U << FS_CREATE : 0;
    }
    return needs;
}

static void take_weaker(struct decision *decision, struct decision other)
{
    if (other.verdict < decision->verdict) {
        *decision = other;
    }
}

static struct decision decide_state(const struct policy *policy, const struct policy_state *state,
                                    unsigned int needs)
{
    struct decision decision = {0};
    bool first = true;

    for (int i = 0; i < FS_OPERATION_COUNT; i++) {
        if ((needs & 1U << i) != 0) {
            struct decision one = policy_decide_fs(policy, state, (enum fs_operation)i);

            if (first) {
                decision = one;
            } else {
                take_weaker(&decision, one);
            }
            first = false;
        }
    }
    return decision;
}

static const struct policy_state *walk(const struct policy *policy, const struct record_bytes *path)
{
    AUTO(text_buffer_clear) struct text_buffer bytes = {0};

    if (path->hex.length == 0 && !path->text.has_escapes) {
        return policy_path_walk(policy, path->text.escaped);
    }
    record_bytes_append(&bytes, path);
    return policy_path_walk(policy, text_buffer_view(&bytes));
}

/* Two names: a copy reads the one and writes the other; all else that has two trades names. */
static struct decision decide_pair(const struct policy *policy, const struct audit_record *record,
                                   const struct policy_state *from, const struct policy_state *to)
{
    enum fs_operation operation = operation_of(record->call.op);
    bool copies = operation == FS_READ || operation == FS_WRITE;
    struct decision decision = decide_state(policy, from, 1U << (copies ? FS_READ : operation));

    take_weaker(&decision, decide_state(policy, to, 1U << (copies ? FS_WRITE : operation)));
    /* SR12, as far as the names alone say it. */
    if (decision_permits(decision) && !copies && !policy_states_equal_here(from, to)) {
        decision = (struct decision){.code = DENIAL_RENAME_ESCAPE, .rule = RULE_BUILTIN};
    }
    return decision;
}

static struct decision decide_fs(const struct policy *policy, const struct audit_record *record)
{
    const struct policy_state *state = walk(policy, &record->call.path);
    struct decision decision;

    if (record_bytes_present(&record->call.path2)) {
        const struct policy_state *state2 = walk(policy, &record->call.path2);

        decision = decide_pair(policy, record, state, state2);
        policy_state_unref(state2);
    } else {
        decision = decide_state(policy, state, needs_of(record));
    }
    policy_state_unref(state);
    return decision;
}

static enum net_protocol protocol_of(const struct record_call *call)
{
    return json_text_equals(call->protocol, STR_VIEW_LITERAL("tcp"))   ? NET_TCP
           : json_text_equals(call->protocol, STR_VIEW_LITERAL("udp")) ? NET_UDP
                                                                       : NET_OTHER;
}

static struct decision decide_net(const struct policy *policy, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer host = {0};
    struct str_view name;
    struct net_request request = {.port = NET_PORT_UNKNOWN, .names = &name};

    if (record_bytes_present(&record->call.host)) {
        record_bytes_append(&host, &record->call.host);
        request.name_count = 1;
    }
    name = text_buffer_view(&host);
    if (record->source == AUDIT_SOURCE_NET) {
        request.port = (uint16_t)record->call.port;
        request.protocol = protocol_of(&record->call);
        (void)ip_address_parse(record->call.address, &request.address);
    }
    return policy_decide_net(policy, &request);
}

static struct decision decide_exec(const struct policy *policy, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};

    record_bytes_append(&path, &record->call.path);
    return policy_decide_exec(policy, text_buffer_view(&path));
}

static bool is_request(const struct audit_record *record)
{
    return (record->kind == AUDIT_KIND_DECISION || record->kind == AUDIT_KIND_REPEAT) &&
           record->policy.has_decision;
}

/* A command before PATH was searched has no path that a rule could speak of. */
static bool names_program(const struct audit_record *record)
{
    return record->call.path.text.escaped.length > 0 &&
           record->call.path.text.escaped.bytes[0] == '/';
}

struct decided_again decide_again(const struct policy *policy, const struct audit_record *record)
{
    struct decided_again again = {.by = DECIDED_BY_BOUNDARY, .decision = record->policy.decision};
    struct decision decision = {0};

    if (!is_request(record)) {
        return (struct decided_again){0};
    }
    if (is_boundary(record) || record->call.path.sha256.length > 0) {
        return again; /* of a cut path the rest is not known */
    }
    switch (record->source) {
    case AUDIT_SOURCE_FS:
        decision = decide_fs(policy, record);
        break;
    case AUDIT_SOURCE_NET:
    case AUDIT_SOURCE_DNS:
        decision = decide_net(policy, record);
        break;
    case AUDIT_SOURCE_EXEC:
        if (!names_program(record)) {
            return again;
        }
        decision = decide_exec(policy, record);
        break;
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
    case AUDIT_SOURCE_COUNT:
        return again;
    }
    again.by = DECIDED_BY_POLICY;
    again.rule = decision.rule;
    again.code = decision.code;
    again.decision = !decision_permits(decision)       ? AUDIT_DECISION_BLOCKED
                     : decision.verdict == VERDICT_LOG ? AUDIT_DECISION_LOGGED
                                                       : AUDIT_DECISION_ALLOWED;
    return again;
}
