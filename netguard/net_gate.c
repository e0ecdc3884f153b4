#include "netguard/net_gate.h"

#include <string.h>

#include "netguard/clock.h"
#include "netguard/dns/dns_message.h"
#include "netguard/flow/packet_view.h"
#include "shared/base/cleanup.h"

static struct decision refusal(enum denial_code code, struct str_view reason)
{
    return (struct decision){
        .verdict = VERDICT_DENY, .code = code, .rule = RULE_BUILTIN, .reason = reason};
}

static struct decision refuse_tripped(void)
{
    return refusal(DENIAL_BREAKER_TRIPPED, STR_VIEW_LITERAL("the circuit breaker has tripped"));
}

/* What the breaker says in place of a rule of the policy. */
static void explain_trip(const struct net_gate *gate, struct audit_event *event,
                         struct text_buffer *reason)
{
    struct breaker_trip trip = {0};

    (void)breaker_last_trip(gate->breaker, &trip);
    breaker_trip_describe(&trip, reason);
    event->rule = str_view_from(breaker_rule_word((enum breaker_event)trip.event));
    event->reason = text_buffer_view(reason);
}

/* Completes the event by the decision and publishes it; the decision that holds comes back. */
static struct decision record(const struct net_gate *gate, struct audit_event *event,
                              struct decision decision, uint64_t began_ns, uint64_t *ret_ticket)
{
    AUTO(text_buffer_clear) struct text_buffer reason = {0};

    event->kind = AUDIT_KIND_DECISION;
    event->rule = policy_rule_id(gate->policy, decision.rule);
    event->overhead_ns = clock_now_ns() - began_ns;
    if (decision_permits(decision)) {
        event->status = AUDIT_STATUS_ALLOWED;
        event->decision =
            decision.verdict == VERDICT_LOG ? AUDIT_DECISION_LOGGED : AUDIT_DECISION_ALLOWED;
    } else {
        event->status = AUDIT_STATUS_BLOCKED;
        event->decision = AUDIT_DECISION_BLOCKED;
        event->code = str_view_from(denial_code_word(decision.code));
        event->error = denial_code_errno(decision.code);
        event->reason = decision.reason;
        if (decision.code == DENIAL_BREAKER_TRIPPED) {
            explain_trip(gate, event, &reason);
        } else {
            (void)breaker_count(gate->breaker, BREAKER_BLOCKED, 1, (struct str_view){0},
                                breaker_now_ms(), NULL);
        }
    }
    if (audit_emit(gate->audit, event, ret_ticket) < 0) {
        return refusal(DENIAL_AUDIT_UNAVAILABLE,
                       STR_VIEW_LITERAL("the decision could not be recorded"));
    }
    return decision;
}

static struct audit_event flow_event(const struct flow_question *question)
{
    return (struct audit_event){
        .source = AUDIT_SOURCE_NET,
        .phase = AUDIT_PHASE_POLICY,
        .call.net =
            {
                .operation = question->operation,
                .protocol = packet_protocol_word(question->protocol),
                .source_address = question->source,
                .source_port = question->source_port,
                .address = question->address,
                .port = question->port,
                .host = question->name_count > 0 ? question->names[0] : (struct str_view){0},
                .sni = question->sni,
            },
        .reason = str_view_from(question->remark),
    };
}

/*
 * SR27: a flow whose name nobody can check needs a rule that says so. Where violations are only
 * logged, names are not checked either: the record says it.
 */
static struct decision refuse_unchecked(const struct net_gate *gate,
                                        const struct flow_question *question,
                                        struct decision decision)
{
    bool quic = question->protocol == NET_UDP && question->port == 443;

    if (decision.verdict == VERDICT_LOG) {
        decision.name_check = NAME_CHECK_ADDRESS_ONLY;
    }
    if (!decision_permits(decision) || !question->nameless_kind ||
        decision.name_check == NAME_CHECK_ADDRESS_ONLY) {
        return decision;
    }
    if (quic && gate->settings.quic) {
        decision.name_check = NAME_CHECK_ADDRESS_ONLY;
        return decision;
    }
    return refusal(DENIAL_NAME_MISMATCH,
                   quic ? STR_VIEW_LITERAL("QUIC is refused, so that clients fall back to TLS")
                        : STR_VIEW_LITERAL("no name can be checked in UDP: the rule needs "
                                           "name_check: address-only"));
}

bool net_gate_is_host(const struct net_gate *gate, const struct ip_address *address)
{
    if (!host_networks_contain(gate->host, address)) {
        return false;
    }
    for (size_t i = 0; i < gate->settings.private_address_count; i++) {
        if (ip_prefix_contains(&gate->settings.private_addresses[i], address)) {
            return false;
        }
    }
    return true;
}

/* Only what would go is charged; a budget is no violation that could be "only logged". */
static struct decision refuse_overspent(const struct net_gate *gate,
                                        const struct flow_question *question,
                                        struct decision decision)
{
    char text[IP_ADDRESS_TEXT_MAX];
    struct str_view host = question->name_count > 0
                               ? question->names[0]
                               : str_view_from(ip_address_format(&question->address, text));
    const char *why;

    if (!decision_permits(decision)) {
        return decision;
    }
    if (question->no_room) {
        return refusal(DENIAL_BUDGET_EXCEEDED,
                       STR_VIEW_LITERAL("more flows at once than the guard tracks"));
    }
    why = question->again || question->sni.bytes != NULL
              ? budget_check_bytes(gate->budget, &gate->settings, host)
              : budget_charge_flow(gate->budget, &gate->settings, host, clock_now_ms());
    return why == NULL ? decision : refusal(DENIAL_BUDGET_EXCEEDED, str_view_from(why));
}

/* One more connection, if it is one; what goes on already is only asked whether it may. */
static bool breaker_permits(const struct net_gate *gate, const struct flow_question *question)
{
    if (question->again || strcmp(question->operation, "hello") == 0) {
        return !breaker_tripped(gate->breaker);
    }
    return breaker_count(gate->breaker, BREAKER_CONNECT, 1, (struct str_view){0}, breaker_now_ms(),
                         NULL);
}

static struct net_request request_of(const struct flow_question *question)
{
    return (struct net_request){
        .address = question->address,
        .protocol = question->protocol,
        .port = question->port,
        .names = question->names,
        .name_count = question->name_count,
    };
}

void net_gate_lead_with_decider(const struct net_gate *gate, const struct flow_question *question,
                                struct str_view *names)
{
    struct net_request request = request_of(question);
    struct str_view first;
    size_t decider;

    if (question->name_count < 2) {
        return;
    }
    decider =
        policy_net_deciding_name(gate->policy, &request, policy_decide_net(gate->policy, &request));
    first = names[0];
    names[0] = names[decider];
    names[decider] = first;
}

struct decision net_gate_flow(const struct net_gate *gate, const struct flow_question *question,
                              uint64_t *ret_ticket)
{
    uint64_t began_ns = clock_now_ns();
    struct audit_event event = flow_event(question);
    struct net_request request = request_of(question);
    struct decision decision = policy_decide_net(gate->policy, &request);

    if (gate->closed && decision_permits(decision)) {
        decision = refusal(DENIAL_ADDRESS_DENIED,
                           STR_VIEW_LITERAL("this network has no uplink (--uplink none)"));
    }
    if (decision_permits(decision) && net_gate_is_host(gate, &question->address)) {
        decision = refusal(DENIAL_SSRF_BLOCKED,
                           STR_VIEW_LITERAL("an address of this host or of its own networks"));
    }
    decision = refuse_unchecked(gate, question, decision);
    decision = refuse_overspent(gate, question, decision);
    if (decision_permits(decision) && !breaker_permits(gate, question)) {
        decision = refuse_tripped();
    }
    if (decision_permits(decision) && decision.name_check == NAME_CHECK_ADDRESS_ONLY &&
        question->name_count > 0 && question->remark == NULL) {
        event.reason = STR_VIEW_LITERAL("the name inside is not checked (address-only)");
    }
    return record(gate, &event, decision, began_ns, ret_ticket);
}

void net_gate_flow_end(const struct net_gate *gate, const struct flow_question *question,
                       const struct flow_end *end)
{
    struct audit_event event = flow_event(question);

    event.kind = AUDIT_KIND_RESULT;
    event.status = AUDIT_STATUS_OK;
    event.decision = AUDIT_DECISION_ALLOWED;
    event.phase = AUDIT_PHASE_COMMIT;
    event.of = end->of;
    event.duration_ns = end->duration_ns;
    event.call.net.bytes_in = end->bytes_in;
    event.call.net.bytes_out = end->bytes_out;
    (void)audit_emit(gate->audit, &event, NULL);
}

struct decision net_gate_refuse_flow(const struct net_gate *gate,
                                     const struct flow_question *question, enum denial_code code,
                                     const char *reason)
{
    struct audit_event event = flow_event(question);

    event.phase = AUDIT_PHASE_VALIDATE;
    return record(gate, &event, refusal(code, str_view_from(reason)), clock_now_ns(), NULL);
}

static struct audit_event name_event(const struct name_question *question)
{
    return (struct audit_event){
        .source = AUDIT_SOURCE_DNS,
        .phase = AUDIT_PHASE_POLICY,
        .call.dns =
            {
                .operation = "query",
                .host = question->name,
                .type = dns_type_word(question->type),
                .answers = question->answers,
                .answer_count = question->answer_count,
            },
    };
}

/* Other types say more than where a host is, and carry more out than a name (TXT, NULL, …). */
static bool type_is_resolved(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_HTTPS ||
           type == DNS_TYPE_SVCB;
}

struct decision net_gate_name(const struct net_gate *gate, const struct name_question *question,
                              uint64_t *ret_ticket)
{
    uint64_t began_ns = clock_now_ns();
    struct audit_event event = name_event(question);
    struct net_request request = {
        .port = NET_PORT_UNKNOWN, .names = &question->name, .name_count = 1};
    struct decision decision = policy_decide_net(gate->policy, &request);

    if (decision_permits(decision) && !type_is_resolved(question->type)) {
        decision = refusal(DENIAL_PROTOCOL_DENIED,
                           STR_VIEW_LITERAL("only addresses are asked for (A, AAAA)"));
    }
    if (decision_permits(decision) && breaker_tripped(gate->breaker)) {
        decision = refuse_tripped();
    }
    if (decision_permits(decision)) {
        const char *why =
            budget_charge_question(gate->budget, &gate->settings, question->name, clock_now_ms());

        decision = why == NULL ? decision : refusal(DENIAL_DNS_BUDGET, str_view_from(why));
    }
    return record(gate, &event, decision, began_ns, ret_ticket);
}

struct decision net_gate_refuse_name(const struct net_gate *gate,
                                     const struct name_question *question, enum denial_code code,
                                     struct str_view reason)
{
    struct audit_event event = name_event(question);

    event.phase = AUDIT_PHASE_VALIDATE;
    return record(gate, &event, refusal(code, reason), clock_now_ns(), NULL);
}

bool net_gate_name_result(const struct net_gate *gate, const struct name_question *question,
                          uint64_t of, enum audit_status status, const char *reason)
{
    struct audit_event event = name_event(question);

    event.kind = AUDIT_KIND_RESULT;
    event.status = status;
    event.decision = AUDIT_DECISION_ALLOWED;
    event.phase = AUDIT_PHASE_COMMIT;
    event.reason = str_view_from(reason);
    event.of = of;
    return audit_emit(gate->audit, &event, NULL) == 0;
}
