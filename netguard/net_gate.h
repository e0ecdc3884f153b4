/*
 * The one door of the guard: decide, record, then proceed or refuse, before any effect.
 *
 * What cannot be recorded is refused with AUDIT_UNAVAILABLE.
 *
 * Threads: the guard's one thread.
 */
#ifndef FAILCORE_NETGUARD_NET_GATE_H
#define FAILCORE_NETGUARD_NET_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "netguard/budget.h"
#include "netguard/link/host_networks.h"
#include "shared/audit/producer.h"
#include "shared/breaker/breaker.h"
#include "shared/policy/policy.h"

struct net_gate {
    struct policy *policy;        /* the guard holds a reference; a reload replaces it */
    struct net_settings settings; /* of the policy */
    struct audit_producer *audit;
    struct budget *budget;
    struct breaker *breaker;          /* what it counts here: guard_breaker.h */
    const struct host_networks *host; /* closed like private space */
    bool closed;                      /* no uplink: what a policy allows cannot go anywhere */
};

/* A flow, or the name inside one. */
struct flow_question {
    const char *operation; /* "connect", "send", "hello": static */
    enum net_protocol protocol;
    struct ip_address source;
    uint16_t source_port;
    struct ip_address address;
    uint16_t port;
    const struct str_view *names; /* pinned to the address */
    size_t name_count;
    struct str_view sni; /* absent until it was seen */
    const char *remark;  /* for the record of an allowed flow; NULL: none */
    bool again;          /* a flow that was let begin before: it is no new connection */
    bool nameless_kind;  /* a kind of flow in which no name can be checked (UDP) */
    bool no_room;        /* the guard tracks as many flows as it can */
};

struct flow_end {
    uint64_t of; /* ticket of the record that let it begin */
    uint64_t duration_ns;
    uint64_t bytes_in, bytes_out;
};

/* Of several names the one that decides comes first: records and budgets speak of that. */
void net_gate_lead_with_decider(const struct net_gate *gate, const struct flow_question *question,
                                struct str_view *names);
/* *ret_ticket names the record, for the RESULT that follows. */
struct decision net_gate_flow(const struct net_gate *gate, const struct flow_question *question,
                              uint64_t *ret_ticket);
/* The same for what was already found wrong; never permits. `reason` is static. */
struct decision net_gate_refuse_flow(const struct net_gate *gate,
                                     const struct flow_question *question, enum denial_code code,
                                     const char *reason);

/* The end of an allowed flow. It has happened: nothing can be refused any more. */
void net_gate_flow_end(const struct net_gate *gate, const struct flow_question *question,
                       const struct flow_end *end);

struct name_question {
    struct str_view name;
    uint16_t type; /* of dns_message.h */
    const struct ip_address *answers;
    size_t answer_count;
};

struct decision net_gate_name(const struct net_gate *gate, const struct name_question *question,
                              uint64_t *ret_ticket);
struct decision net_gate_refuse_name(const struct net_gate *gate,
                                     const struct name_question *question, enum denial_code code,
                                     struct str_view reason);

/* What became of an allowed question: status OK or FAIL. False: it could not be recorded. */
bool net_gate_name_result(const struct net_gate *gate, const struct name_question *question,
                          uint64_t of, enum audit_status status, const char *reason);

/* Whether the address is the host's or of its networks, and no rule opens it by its address. */
bool net_gate_is_host(const struct net_gate *gate, const struct ip_address *address);

#endif
