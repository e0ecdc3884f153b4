/*
 * What goes through the guard.
 *
 *     forward ──> leaving ──> carried        released, and the lease is there: the kernel's
 *                    ├──────> bare ──> carried   no data while the name is awaited
 *                    └──────> normalise ──> beginning ──> ask        everything else of the agent
 *             └─> arriving                   answers; "ask" for those that the daemon waits for
 *     verdict                                after the daemon's answer: refuse, or note it
 */
#include "netguard/nft/guard_rules.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "netguard/flow/flow_mark.h"

#define NEW_FLOWS_PER_SECOND 5000U
#define NEW_FLOWS_BURST      10000U
#define HOPS                 63U /* what the usual 64 is after one hop */

#define TCP_FIN 0x01U
#define TCP_SYN 0x02U
#define TCP_RST 0x04U
#define TCP_ACK 0x10U
#define TCP_URG 0x20U

/* What a server never needs from the agent, and a decoy or a side channel might use. */
static const uint8_t stripped_tcp_options[] = {
    34,       /* fast open (RFC 7413): data before the verdict */
    30,       /* multipath (RFC 8684): one hello over several flows */
    19,  29,  /* MD5 and AO: segments that the server drops and the guard would believe */
    253, 254, /* experiments (RFC 4727), fast open among them */
};

static void drop_odd_headers(struct nft_batch *batch, const char *chain)
{
    static const uint8_t low_nibble = 0x0f, no_options = 5, tcp = IPPROTO_TCP, udp = IPPROTO_UDP;

    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    match_field(batch, field_v4_first_byte, &low_nibble, RULE_ABOVE, &no_options);
    rule_drop(batch, DROP_IP_OPTIONS);
    /* Fragments were put together before this hook, so the next header is the transport's, or the
     * packet carries an extension header: between which and the transport filters disagree. */
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV6);
    match_field(batch, field_v6_next_header, NULL, RULE_DIFFERS, &tcp);
    match_field(batch, field_v6_next_header, NULL, RULE_DIFFERS, &udp);
    rule_drop(batch, DROP_EXTENSION);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    match_field(batch, field_v4_protocol, NULL, RULE_DIFFERS, &tcp);
    match_field(batch, field_v4_protocol, NULL, RULE_DIFFERS, &udp);
    rule_drop(batch, DROP_PROTOCOL);
}

/* A server sees the same distance whatever the agent wrote (SR22). Ends with the packet's leave. */
static void leave_at_distance(struct nft_batch *batch, uint8_t family, struct packet_field hops)
{
    static const uint8_t usual = HOPS;

    /* Writing costs more than looking, and most packets are as they should be. */
    nft_rule_begin(batch, "carried");
    match_family(batch, family);
    match_field(batch, hops, NULL, RULE_EQUALS, &usual);
    rule_verdict(batch, NF_ACCEPT);
    nft_rule_begin(batch, "carried");
    match_family(batch, family);
    do_write_byte(batch, hops.offset, HOPS, family == NFPROTO_IPV4);
    rule_verdict(batch, NF_ACCEPT);
}

/*
 * Released flows: what is left to see to is what could still mislead the kernel's own tracking.
 * Every packet of a flow pays for each rule here.
 */
static void put_carried(struct nft_batch *batch)
{
    static const uint8_t plain_v4 = 0x45, special = TCP_SYN | TCP_URG, none = 0;
    static const uint8_t tcp = IPPROTO_TCP, udp = IPPROTO_UDP;
    const char *chain = "carried";

    nft_chain_add(batch, chain);
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    match_field(batch, field_tcp_flags, &special, RULE_DIFFERS, &none);
    do_jump(batch, "normalise");
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    match_field(batch, field_v4_first_byte, NULL, RULE_DIFFERS, &plain_v4);
    rule_drop(batch, DROP_IP_OPTIONS);
    leave_at_distance(batch, NFPROTO_IPV4, field_v4_time_to_live);
    nft_rule_begin(batch, chain);
    match_field(batch, field_v6_next_header, NULL, RULE_DIFFERS, &tcp);
    match_field(batch, field_v6_next_header, NULL, RULE_DIFFERS, &udp);
    rule_drop(batch, DROP_EXTENSION);
    leave_at_distance(batch, NFPROTO_IPV6, field_v6_hop_limit);
}

/* SR22: what leaves looks the same however the agent dressed it. */
static void put_normalise(struct nft_batch *batch)
{
    static const uint8_t urgent = TCP_URG, none = 0;
    const char *chain = "normalise";

    nft_chain_add(batch, chain);
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    match_field(batch, field_tcp_flags, &urgent, RULE_DIFFERS, &none);
    rule_drop(batch, DROP_URGENT);
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    for (size_t i = 0; i < sizeof(stripped_tcp_options); i++) {
        do_strip_tcp_option(batch, stripped_tcp_options[i]);
    }
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    do_write_byte(batch, field_v4_time_to_live.offset, HOPS, true);
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV6);
    do_write_byte(batch, field_v6_hop_limit.offset, HOPS, false);
    nft_rule_end(batch);
}

/* What a segment without data looks like, beside its addresses and numbers. */
struct bare_shape {
    uint8_t v4_length[2], v6_length[2]; /* of the packet; behind the fixed header */
    uint8_t head[2];                    /* length of the TCP header; flags, with RST or without */
};
static const uint8_t bare_head_mask[2] = {0xff, 0xff & ~TCP_RST};
static const struct bare_shape bare_plain = {{0, 40}, {0, 20}, {0x50, TCP_ACK}};
static const struct bare_shape bare_with_times = {{0, 52}, {0, 32}, {0x80, TCP_ACK}};
static const uint8_t times_only[4] = {1, 1, 8, 10}; /* nothing, nothing, timestamps (RFC 7323) */

static void carry_bare(struct nft_batch *batch, uint8_t family, struct packet_field length,
                       const struct bare_shape *shape)
{
    const uint8_t *wanted = family == NFPROTO_IPV4 ? shape->v4_length : shape->v6_length;

    nft_rule_begin(batch, "bare");
    match_family(batch, family);
    match_field(batch, length, NULL, RULE_EQUALS, wanted);
    match_field(batch, field_tcp_head, bare_head_mask, RULE_EQUALS, shape->head);
    if (shape == &bare_with_times) {
        match_field(batch, field_tcp_first_options, NULL, RULE_EQUALS, times_only);
    }
    do_goto(batch, "carried");
    nft_rule_end(batch);
}

/*
 * Flows that wait for the name inside: an acknowledgement without data, and without any option but
 * timestamps, says nothing that the daemon would have to judge, nor does the one that gives the
 * flow up (RST). Whatever else, it is asked about.
 */
static void put_bare(struct nft_batch *batch)
{
    nft_chain_add(batch, "bare");
    carry_bare(batch, NFPROTO_IPV4, field_v4_length, &bare_with_times);
    carry_bare(batch, NFPROTO_IPV4, field_v4_length, &bare_plain);
    carry_bare(batch, NFPROTO_IPV6, field_v6_length, &bare_with_times);
    carry_bare(batch, NFPROTO_IPV6, field_v6_length, &bare_plain);
}

static void put_leaving(struct nft_batch *batch, const struct ruleset_config *config)
{
    const char *chain = "leaving";

    put_normalise(batch);
    put_carried(batch);
    put_bare(batch);
    nft_chain_add(batch, chain);
    /* Two links are all there are: what does not go back to the agent leaves by the uplink. */
    nft_rule_begin(batch, chain);
    match_link(batch, RULE_OUT, config->agent_index);
    rule_drop(batch, DROP_UNROUTED);
    /* Not RELATED: an ICMP error bears the mark of the flow that it is about. */
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_NEW));
    match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease");
    do_goto(batch, "carried");
    nft_rule_end(batch);
    /* "lease_reply" has the released flows, too, but those are not here any more. */
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
    match_direction(batch, IP_CT_DIR_ORIGINAL);
    match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease_reply");
    match_protocol(batch, IPPROTO_TCP);
    do_jump(batch, "bare");
    nft_rule_end(batch);

    drop_odd_headers(batch, chain);
    nft_rule_begin(batch, chain);
    do_jump(batch, "normalise");
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    do_jump(batch, "beginning");
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    do_goto(batch, "ask");
    nft_rule_end(batch);
}

/* The first packet of a flow; the rest of "leaving" follows. */
static void put_beginning(struct nft_batch *batch)
{
    static const uint8_t handshake = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, syn = TCP_SYN;
    const char *chain = "beginning";

    nft_chain_add(batch, chain);
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    match_field(batch, field_tcp_flags, &handshake, RULE_DIFFERS, &syn);
    rule_drop(batch, DROP_NOT_SYN);
    nft_rule_begin(batch, chain);
    match_over_rate(batch, NEW_FLOWS_PER_SECOND, NEW_FLOWS_BURST);
    rule_drop(batch, DROP_TOO_FAST);
    nft_rule_begin(batch, chain);
    do_mark_packet(batch, FLOW_MARK_NEW);
    nft_rule_end(batch);
}

/* Errors about a flow that may pass: without them path MTU discovery does not work. */
static void accept_errors(struct nft_batch *batch, const char *chain)
{
    static const struct {
        uint8_t protocol, type;
    } errors[] = {
        {IPPROTO_ICMP, ICMP_DEST_UNREACH},     {IPPROTO_ICMP, ICMP_TIME_EXCEEDED},
        {IPPROTO_ICMPV6, ICMP6_DST_UNREACH},   {IPPROTO_ICMPV6, ICMP6_PACKET_TOO_BIG},
        {IPPROTO_ICMPV6, ICMP6_TIME_EXCEEDED},
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        nft_rule_begin(batch, chain);
        match_state(batch, NF_CT_STATE_BIT(IP_CT_RELATED));
        match_protocol(batch, errors[i].protocol);
        match_field(batch, field_icmp_type, NULL, RULE_EQUALS, &errors[i].type);
        match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease_reply");
        rule_verdict(batch, NF_ACCEPT);
    }
}

static void put_arriving(struct nft_batch *batch)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    const char *chain = "arriving";

    nft_chain_add(batch, chain);
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
    match_direction(batch, IP_CT_DIR_REPLY);
    match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease_reply");
    rule_verdict(batch, NF_ACCEPT);
    accept_errors(batch, chain);
    /* Inspected flows: the daemon waits for the acknowledgement. Flows of an older generation: it
     * judges them again, whichever side speaks first. */
    for (size_t i = 0; i < sizeof(protocols); i++) {
        nft_rule_begin(batch, chain);
        match_state(batch, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
        match_direction(batch, IP_CT_DIR_REPLY);
        match_protocol(batch, protocols[i]);
        do_goto(batch, "ask");
        nft_rule_end(batch);
    }
    nft_rule_begin(batch, chain);
    rule_drop(batch, DROP_INBOUND);
}

static void put_forward(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "forward", .hook = NF_INET_FORWARD, .priority = 0, .drop = true};

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_state(batch, NF_CT_STATE_INVALID_BIT);
    rule_drop(batch, DROP_INVALID);
    nft_rule_begin(batch, hook.name);
    match_link(batch, RULE_IN, config->agent_index);
    do_goto(batch, "leaving");
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    match_interface(batch, RULE_IN, config->uplink_link);
    match_link(batch, RULE_OUT, config->agent_index);
    do_goto(batch, "arriving");
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    rule_drop(batch, DROP_UNROUTED);
}

/* The daemon's yes to a first packet holds only for what the kernel's own sets hold open. */
static void withdraw(struct nft_batch *batch, uint8_t family, struct packet_field destination,
                     const char *set, bool inside, const char *except)
{
    nft_rule_begin(batch, "withdraw");
    match_family(batch, family);
    match_field_in_set(batch, destination, set, inside);
    match_field_in_set(batch, destination, except, false);
    rule_drop(batch, DROP_WITHDRAWN);
}

static void put_verdicts(struct nft_batch *batch)
{
    static const struct nft_base_chain hook = {
        .name = "verdict", .hook = NF_INET_FORWARD, .priority = 10};

    nft_counter_add(batch, "refused");
    nft_chain_add(batch, "refuse");
    nft_rule_begin(batch, "refuse");
    do_count(batch, "refused");
    nft_rule_end(batch);
    rules_answer(batch, "refuse");
    nft_rule_begin(batch, "refuse");
    rule_verdict(batch, NF_DROP);

    nft_chain_add(batch, "withdraw");
    withdraw(batch, NFPROTO_IPV4, field_v4_destination, "deny4", true, "open4");
    withdraw(batch, NFPROTO_IPV6, field_v6_destination, "deny6", true, "open6");
    withdraw(batch, NFPROTO_IPV4, field_v4_destination, "host4", true, "open4");
    withdraw(batch, NFPROTO_IPV6, field_v6_destination, "host6", true, "open6");
    withdraw(batch, NFPROTO_IPV4, field_v4_destination, "pin4", false, "open4");
    withdraw(batch, NFPROTO_IPV6, field_v6_destination, "pin6", false, "open6");
    nft_chain_add(batch, "judged");
    nft_rule_begin(batch, "judged");
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    do_jump(batch, "withdraw");
    nft_rule_end(batch);
    nft_rule_begin(batch, "judged");
    do_mark_connection_from_packet(batch);
    nft_rule_end(batch);

    /* With the mark it came with: the kernel carries it, nobody was asked. */
    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_packet_mark(batch, RULE_EQUALS, FLOW_MARK_SEEN);
    rule_verdict(batch, NF_ACCEPT);
    nft_rule_begin(batch, hook.name);
    match_packet_mark(batch, RULE_EQUALS, FLOW_MARK_DENIED);
    do_goto(batch, "refuse");
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    do_goto(batch, "judged");
    nft_rule_end(batch);
}

static void put_ask(struct nft_batch *batch, const struct ruleset_config *config,
                    enum queue_statement statement)
{
    nft_counter_add(batch, "asked");
    nft_chain_add(batch, "ask");
    nft_rule_begin(batch, "ask");
    do_count(batch, "asked");
    nft_rule_end(batch);
    nft_rule_begin(batch, "ask");
    do_queue(batch, statement, RULESET_QUEUE, config->queues);
    nft_rule_end(batch);
}

void rules_put_forward(struct nft_batch *batch, const struct ruleset_config *config,
                       enum queue_statement statement)
{
    put_ask(batch, config, statement);
    put_beginning(batch);
    put_leaving(batch, config);
    put_arriving(batch);
    put_forward(batch, config);
    put_verdicts(batch);
}
