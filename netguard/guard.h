/*
 * A guard at work: one thread, one loop over the queue, the resolver, the kernel's drop log, the
 * heartbeat and whoever controls it.
 *
 * Boot order (closed until the end): namespaces with forwarding off and links down, rules, queue,
 * resolver, links, uplink, first heartbeat, forwarding on.
 */
#ifndef FAILCORE_NETGUARD_GUARD_H
#define FAILCORE_NETGUARD_GUARD_H

#include "netguard/dns/dns_asker.h"
#include "netguard/dns/resolver.h"
#include "netguard/drop_log.h"
#include "netguard/flow/conntrack.h"
#include "netguard/flow/flow_table.h"
#include "netguard/flow/packet_queue.h"
#include "netguard/flow/pin_table.h"
#include "netguard/link/host_networks.h"
#include "netguard/link/topology.h"
#include "netguard/link/uplink.h"
#include "netguard/net_gate.h"

/* What the kernel tracks may be more than the flows that we know: questions to the resolver, flows
 * that were refused later. Beyond this nothing new begins. */
#define GUARD_TRACKED_MAX  (2U * FLOWS_MAX)
#define GUARD_PIN_GRACE_MS 60000U /* beyond the TTL: a client may connect late */

/* What a slot of the resolver was allowed to ask. */
struct judged_question {
    bool open;
    struct dns_name name;
    uint16_t type;
    uint64_t ticket;
};

/* What became of the agent's questions. */
struct name_counts {
    uint64_t asked, refused, answered, failed;
};

struct guard {
    struct topology topology;
    struct uplink uplink;
    struct host_networks host; /* empty: no host lies beyond the uplink */
    struct net_gate gate;
    struct breaker breaker;
    bool tripped;           /* as last seen: flows were judged again since */
    uint64_t bytes_counted; /* by the breaker */
    struct packet_queue queue;
    struct drop_log drop_log;
    struct netlink tables; /* rules and sets */
    struct pin_table *pins;
    struct flow_table *flows;
    struct conntrack conntrack;
    size_t tracked;    /* flows in the kernel's table, as of the last heartbeat, and begun since */
    size_t look_place; /* in the flow table: where to look for ended flows next */
    uint32_t generation;
    uint32_t agent_link; /* interface index */
    int resolver;        /* socket */
    int asker_pid, resolver_pid;
    struct judged_question questions[RESOLVER_SLOTS];
    struct dns_upstreams upstreams;
    struct name_counts names;
    uint64_t packets_judged, packets_refused;
    bool control_is_roots; /* the control socket lies where only the machine's root gets */
    uint64_t control_home; /* as control_home() had it; 0: the control socket hears any network */
};

struct guard_options {
    struct policy *policy;
    struct audit_producer *audit;
    struct uplink_choice uplink;
    struct dns_upstreams upstreams; /* empty: the world's own resolvers */
    int breaker_fd;                 /* the run's breaker board; -1: one of its own */
    int breaker_alarm_fd;
    bool control_is_roots;
    uint64_t control_home;
    struct topology topology; /* maybe prepared; the guard takes it */
    int starter; /* socket that hears of the namespaces as soon as they are made; -1: none */
};

/* Makes everything up to the open guard. On failure nothing is left open. */
int guard_start(struct guard *guard, const struct guard_options *options, struct failure *reterr);
/* The end of every path: links, namespaces and helpers go with the process. */
void guard_stop(struct guard *guard);

/*
 * The resolved policy in the descriptor holds from now on: every live flow is judged again with its
 * next packet. On failure the old policy goes on, except for -ENOTRECOVERABLE: the kernel's sets
 * are in doubt and the guard must end.
 */
int guard_reload(struct guard *guard, int policy_fd, struct failure *reterr);

/* The same without a new policy: something else has changed that flows are judged by. */
int guard_judge_all_again(struct guard *guard);

/* What the guard enforces of a policy, and what is others' to enforce: a policy that asks for more
 * is refused whole. */
#define GUARD_ENFORCED                                                                             \
    (POLICY_PART_NETWORK | POLICY_PART_NAME_CHECK | POLICY_PART_FILESYSTEM | POLICY_PART_PROCESS | \
     POLICY_PART_SANDBOX | POLICY_PART_LIMITS | POLICY_PART_BREAKER | POLICY_PART_AUDIT |          \
     POLICY_PART_CONTENT | POLICY_PART_DNS_BUDGET | POLICY_PART_NETWORK_BUDGET)

/* One packet from the queue: context is the guard. */
packet_queue_handler guard_judge_packet;
/* Refuses connections whose first message does not come to an end. */
void guard_end_waiting(struct guard *guard);
/* The host's networks have changed; negative errno: they are not known and the guard must end. */
int guard_update_host(struct guard *guard);
/* One request of the resolver; negative errno: it has gone and the guard must end. */
int guard_serve_resolver(struct guard *guard);
/* Keeps released flows alive for another lease; negative errno: the guard must end. */
int guard_heartbeat(struct guard *guard);

#endif
