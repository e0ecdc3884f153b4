/* The guard's answers to its resolver: may a name be asked for, and which answers may be told. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netguard/clock.h"
#include "netguard/guard.h"
#include "netguard/nft/ruleset.h"
#include "shared/base/cleanup.h"
#include "shared/base/text_buffer.h"
#include "shared/policy/address_ranges.h"

static enum dns_ede ede_of(enum denial_code code)
{
    return code == DENIAL_AUDIT_UNAVAILABLE || code == DENIAL_INTERNAL ? DNS_EDE_OTHER
                                                                       : DNS_EDE_BLOCKED;
}

/* A refused name does not exist for the agent: libraries give up at once, as with NXDOMAIN. */
static void refuse(struct guard *guard, struct resolver_verdict *verdict, struct decision decision,
                   enum dns_rcode rcode)
{
    struct str_view rule = policy_rule_id(guard->gate.policy, decision.rule);

    guard->names.refused++;
    verdict->rcode = (uint8_t)rcode;
    verdict->ede = (int16_t)ede_of(decision.code);
    snprintf(verdict->ede_text, sizeof(verdict->ede_text), "%s: %.*s (rule %.*s)",
             denial_code_word(decision.code), STR_VIEW_PRINTF(decision.reason),
             STR_VIEW_PRINTF(rule));
}

static void judge_name(struct guard *guard, const struct resolver_request *request,
                       const struct name_question *question, struct resolver_verdict *verdict)
{
    struct judged_question *judged = &guard->questions[request->slot];
    struct decision decision = net_gate_name(&guard->gate, question, &judged->ticket);

    guard->names.asked++;
    judged->open = false;
    if (!decision_permits(decision)) {
        refuse(guard, verdict, decision, DNS_NXDOMAIN);
        return;
    }
    if (request->type != DNS_TYPE_A && request->type != DNS_TYPE_AAAA) {
        return; /* HTTPS and SVCB: no data, so that clients go by addresses that we pinned */
    }
    judged->open = true;
    judged->name = request->name;
    judged->type = request->type;
    verdict->go = true;
}

/* Splits the answers into those that may be heard of and those in denied ranges. */
static size_t keep_public(const struct net_gate *gate, const struct resolver_request *request,
                          struct ip_address *public_ones, struct ip_address *denied,
                          const struct address_range **ret_range)
{
    enum ip_family wanted = request->type == DNS_TYPE_A ? IP_V4 : IP_V6;
    size_t kept = 0, stripped = 0;

    for (size_t i = 0; i < request->count; i++) {
        const struct ip_address *address = &request->addresses[i];
        const struct address_range *range = address_range_find(address);

        if (range != NULL || address->family != wanted || net_gate_is_host(gate, address)) {
            *ret_range = range != NULL ? range : *ret_range;
            /* What is no address at all is recorded as the unspecified one. */
            denied[stripped++] = address->family == IP_V4 || address->family == IP_V6
                                     ? *address
                                     : (struct ip_address){.family = wanted};
        } else {
            public_ones[kept++] = *address;
        }
    }
    return kept;
}

static void refuse_rebinding(struct guard *guard, const struct name_question *question,
                             const struct ip_address *denied, size_t count,
                             const struct address_range *range, struct resolver_verdict *verdict)
{
    AUTO(text_buffer_clear) struct text_buffer reason = {.limit = 256};
    struct name_question stripped = *question;
    struct decision decision;

    text_buffer_printf(&reason, "the name answers with a denied address: %s %s",
                       range == NULL ? "of this host or the wrong family" : range->text,
                       range == NULL ? "" : range->label);
    stripped.answers = denied;
    stripped.answer_count = count;
    decision = net_gate_refuse_name(&guard->gate, &stripped, DENIAL_DNS_REBINDING,
                                    text_buffer_view(&reason));
    refuse(guard, verdict, decision, DNS_NOERROR);
}

/* In the daemon's table and in the kernel's set, acknowledged, before anybody hears of it. */
static int pin_answers(struct guard *guard, struct str_view name,
                       const struct ip_address *addresses, size_t count, uint32_t ttl)
{
    uint64_t now = clock_now_ms(), lasts = (uint64_t)ttl * 1000 + GUARD_PIN_GRACE_MS;

    for (size_t i = 0; i < count; i++) {
        int error = pin_table_add(guard->pins, &addresses[i], name, now, now + lasts);

        if (error < 0) {
            return error;
        }
    }
    return ruleset_pin(&guard->tables, addresses, count, lasts);
}

static void answer_failed(struct guard *guard, const struct resolver_request *request,
                          const struct name_question *question, uint64_t ticket,
                          struct resolver_verdict *verdict)
{
    bool recorded;

    if (request->status == -EBADMSG) {
        struct decision decision =
            net_gate_refuse_name(&guard->gate, question, DENIAL_DNS_MALFORMED,
                                 STR_VIEW_LITERAL("the answer cannot be parsed safely"));

        refuse(guard, verdict, decision, DNS_SERVFAIL);
        return;
    }
    if (request->status < 0) {
        guard->names.failed++;
        (void)net_gate_name_result(&guard->gate, question, ticket, AUDIT_STATUS_FAIL,
                                   "no resolver answered");
        verdict->rcode = DNS_SERVFAIL;
        verdict->ede = DNS_EDE_NETWORK_ERROR;
        snprintf(verdict->ede_text, sizeof(verdict->ede_text), "no resolver answered");
        return;
    }
    guard->names.answered++;
    recorded = net_gate_name_result(
        &guard->gate, question, ticket,
        request->rcode == DNS_NOERROR ? AUDIT_STATUS_OK : AUDIT_STATUS_FAIL,
        request->rcode == DNS_NOERROR ? "no addresses" : "the resolver refused");
    verdict->rcode = recorded && (request->rcode == DNS_NOERROR || request->rcode == DNS_NXDOMAIN)
                         ? request->rcode
                         : DNS_SERVFAIL;
}

static void judge_answer(struct guard *guard, const struct resolver_request *request,
                         struct name_question *question, struct resolver_verdict *verdict)
{
    struct judged_question *judged = &guard->questions[request->slot];
    struct ip_address denied[DNS_ADDRESSES_MAX];
    const struct address_range *range = NULL;
    /* The resolver has bounded it; but that is its word. */
    uint32_t ttl = request->ttl < RESOLVER_TTL_MAX ? request->ttl : RESOLVER_TTL_MAX;
    size_t kept;

    if (!judged->open || !dns_name_equals(&judged->name, &request->name) ||
        judged->type != request->type || request->count > DNS_ADDRESSES_MAX) {
        verdict->rcode = DNS_SERVFAIL; /* the resolver speaks of what nobody asked */
        return;
    }
    judged->open = false;
    if (request->status < 0 || request->count == 0) {
        answer_failed(guard, request, question, judged->ticket, verdict);
        return;
    }
    kept = keep_public(&guard->gate, request, verdict->addresses, denied, &range);
    if (kept < request->count) {
        refuse_rebinding(guard, question, denied, request->count - kept, range, verdict);
    }
    if (kept == 0) {
        return;
    }
    question->answers = verdict->addresses;
    question->answer_count = kept;
    if (!net_gate_name_result(&guard->gate, question, judged->ticket, AUDIT_STATUS_OK, NULL) ||
        pin_answers(guard, question->name, verdict->addresses, kept, ttl) < 0) {
        verdict->rcode = DNS_SERVFAIL;
        return;
    }
    guard->names.answered++;
    verdict->count = (uint32_t)kept;
    verdict->ttl = ttl;
}

static void refuse_malformed(struct guard *guard, const struct name_question *question,
                             struct resolver_verdict *verdict)
{
    struct decision decision =
        net_gate_refuse_name(&guard->gate, question, DENIAL_DNS_MALFORMED,
                             STR_VIEW_LITERAL("the question cannot be parsed safely"));

    refuse(guard, verdict, decision, DNS_FORMERR);
}

int guard_serve_resolver(struct guard *guard)
{
    struct resolver_request request;
    struct resolver_verdict verdict = {.ede = DNS_EDE_NONE};
    char text[DNS_NAME_TEXT_MAX + 1];
    struct name_question question = {0};
    ssize_t count = recv(guard->resolver, &request, sizeof(request), MSG_DONTWAIT);

    if (count < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    if (count != (ssize_t)sizeof(request) || request.slot >= RESOLVER_SLOTS ||
        !dns_name_is_sound(&request.name)) {
        return -EPIPE;
    }
    verdict.slot = request.slot;
    question.name = dns_name_text(&request.name, text);
    question.type = request.type;
    switch (request.stage) {
    case RESOLVER_MALFORMED:
        refuse_malformed(guard, &question, &verdict);
        break;
    case RESOLVER_JUDGE:
        judge_name(guard, &request, &question, &verdict);
        break;
    case RESOLVER_ANSWER:
        judge_answer(guard, &request, &question, &verdict);
        break;
    }
    return send(guard->resolver, &verdict, sizeof(verdict), MSG_NOSIGNAL) == sizeof(verdict)
               ? 0
               : -EPIPE;
}
