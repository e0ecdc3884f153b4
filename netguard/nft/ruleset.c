#include "netguard/nft/ruleset.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "netguard/flow/flow_mark.h"
#include "netguard/nft/drop_reasons.h"
#include "netguard/nft/range_set.h"
#include "shared/base/cleanup.h"

#define NEW_FLOWS_PER_SECOND 5000U
#define NEW_FLOWS_BURST      10000U
#define FLOWS_MAX            16384U
#define HOPS                 64U
#define LOGGED_PER_SECOND    5U
#define LOGGED_BURST         20U
#define LOGGED_BYTES         128U

static const struct packet_field v4_source = {RULE_NETWORK_HEADER, 12, 4};
static const struct packet_field v4_destination = {RULE_NETWORK_HEADER, 16, 4};
static const struct packet_field v6_source = {RULE_NETWORK_HEADER, 8, 16};
static const struct packet_field v6_destination = {RULE_NETWORK_HEADER, 24, 16};
static const struct packet_field v6_next_header = {RULE_NETWORK_HEADER, 6, 1};
static const struct packet_field v6_hop_limit = {RULE_NETWORK_HEADER, 7, 1};
static const struct packet_field v4_first_byte = {RULE_NETWORK_HEADER, 0, 1};
static const struct packet_field destination_port = {RULE_TRANSPORT_HEADER, 2, 2};
static const struct packet_field icmp_type = {RULE_TRANSPORT_HEADER, 0, 1};
static const struct packet_field tcp_flags = {RULE_TRANSPORT_HEADER, 13, 1};

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

static void drop_chain_name(char name[static 32], enum drop_reason reason)
{
    snprintf(name, 32, "x_%s", drop_reason_row(reason)->word);
}

/* Ends the open rule: the packet is counted, some are logged, all are dropped. */
static void do_drop(struct nft_batch *batch, enum drop_reason reason)
{
    char chain[32];

    drop_chain_name(chain, reason);
    do_goto(batch, chain);
    nft_rule_end(batch);
}

static void end_with(struct nft_batch *batch, uint32_t verdict)
{
    do_verdict(batch, verdict);
    nft_rule_end(batch);
}

/* A program that is refused hears so at once; only tcp and udp have anybody to tell. */
static void do_answer(struct nft_batch *batch, const char *chain)
{
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    do_reject_tcp_reset(batch);
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_UDP);
    do_reject_prohibited(batch);
    nft_rule_end(batch);
}

static void write_drop_chains(struct nft_batch *batch)
{
    for (unsigned int i = 0; i < DROP_REASON_COUNT; i++) {
        const char *word = drop_reason_row((enum drop_reason)i)->word;
        char chain[32];

        drop_chain_name(chain, (enum drop_reason)i);
        nft_counter_add(batch, word);
        nft_chain_add(batch, chain);
        nft_rule_begin(batch, chain);
        do_count(batch, word);
        nft_rule_end(batch);
        nft_rule_begin(batch, chain);
        match_under_rate(batch, LOGGED_PER_SECOND, LOGGED_BURST);
        do_log(batch, RULESET_LOG_GROUP, LOGGED_BYTES, word);
        nft_rule_end(batch);
        if (drop_reason_row((enum drop_reason)i)->answer == DROP_ANSWERED) {
            do_answer(batch, chain);
        }
        nft_rule_begin(batch, chain);
        end_with(batch, NF_DROP);
    }
}

static void write_sets(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_set sets[] = {
        {.name = "deny4", .key_length = 4, .interval = true},
        {.name = "deny6", .key_length = 16, .interval = true},
        {.name = "host4", .key_length = 4, .interval = true},
        {.name = "host6", .key_length = 16, .interval = true},
        {.name = "open4", .key_length = 4, .interval = true},
        {.name = "open6", .key_length = 16, .interval = true},
        {.name = "pin4", .key_length = 4, .size = RULESET_PINS_MAX, .timeout = true},
        {.name = "pin6", .key_length = 16, .size = RULESET_PINS_MAX, .timeout = true},
        {.name = "lease", .key_length = 4, .timeout = true},
        {.name = "lease_reply", .key_length = 4, .timeout = true},
    };

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        nft_set_add(batch, &sets[i]);
    }
    range_set_put_denied(batch, "deny4", "deny6");
    range_set_put_prefixes(batch, "open4", "open6", config->private_addresses,
                           config->private_address_count);
}

/* Neighbour messages that come from the link itself (RFC 4861: hop limit 255). */
static void accept_neighbours(struct nft_batch *batch, const char *chain, const char *link)
{
    static const uint8_t types[] = {ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT};
    static const uint8_t on_link = 255;

    for (size_t i = 0; i < sizeof(types); i++) {
        nft_rule_begin(batch, chain);
        match_interface(batch, RULE_IN, link);
        match_family(batch, NFPROTO_IPV6);
        match_protocol(batch, IPPROTO_ICMPV6);
        match_field(batch, icmp_type, NULL, RULE_EQUALS, &types[i]);
        match_field(batch, v6_hop_limit, NULL, RULE_EQUALS, &on_link);
        end_with(batch, NF_ACCEPT);
    }
}

/*
 * What every IPv6 stack says by itself on a link: counted, not worth a record. Neighbour messages
 * of the agent are among it: both ends know each other's address from the start (SR23).
 */
static void drop_noise(struct nft_batch *batch, const char *chain)
{
    static const uint8_t types[] = {ND_ROUTER_SOLICIT,      ND_NEIGHBOR_SOLICIT,
                                    ND_NEIGHBOR_ADVERT,     MLD_LISTENER_REPORT,
                                    MLD_LISTENER_REDUCTION, 143 /* MLDv2 report, RFC 3810 */};

    for (size_t i = 0; i < sizeof(types); i++) {
        nft_rule_begin(batch, chain);
        match_protocol(batch, IPPROTO_ICMPV6);
        match_field(batch, icmp_type, NULL, RULE_EQUALS, &types[i]);
        do_count(batch, "noise");
        end_with(batch, NF_DROP);
    }
}

/* prerouting: only the agent's own source address, only to one receiver. */
static void write_prerouting(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "prerouting", .hook = NF_INET_PRE_ROUTING, .priority = -300};

    nft_counter_add(batch, "noise");
    nft_chain_add(batch, "from_agent");
    drop_noise(batch, "from_agent");
    nft_rule_begin(batch, "from_agent");
    match_packet_type(batch, RULE_DIFFERS, PACKET_HOST);
    do_drop(batch, DROP_MULTICAST);
    nft_rule_begin(batch, "from_agent");
    match_family(batch, NFPROTO_IPV4);
    match_field(batch, v4_source, NULL, RULE_DIFFERS, config->agent_v4.bytes);
    do_drop(batch, DROP_SPOOFED);
    nft_rule_begin(batch, "from_agent");
    match_family(batch, NFPROTO_IPV6);
    match_field(batch, v6_source, NULL, RULE_DIFFERS, config->agent_v6.bytes);
    do_drop(batch, DROP_SPOOFED);

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_interface(batch, RULE_IN, config->agent_link);
    do_jump(batch, "from_agent");
    nft_rule_end(batch);
}

/* Every question on port 53, to whomever, ends at the guard's resolver. */
static void write_redirect(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "dns", .type = NFT_CHAIN_NAT_TYPE, .hook = NF_INET_PRE_ROUTING, .priority = -100};
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    static const uint8_t domain[2] = {0, 53};

    nft_chain_add_base(batch, &hook);
    for (size_t i = 0; i < sizeof(protocols); i++) {
        nft_rule_begin(batch, hook.name);
        match_interface(batch, RULE_IN, config->agent_link);
        match_protocol(batch, protocols[i]);
        match_field(batch, destination_port, NULL, RULE_EQUALS, domain);
        do_redirect(batch);
        nft_rule_end(batch);
    }
}

static void write_masquerade(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {.name = "masquerade",
                                               .type = NFT_CHAIN_NAT_TYPE,
                                               .hook = NF_INET_POST_ROUTING,
                                               .priority = 100};

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_interface(batch, RULE_OUT, config->uplink_link);
    do_masquerade(batch);
    nft_rule_end(batch);
}

/* input: the guard itself hears DNS and its neighbours, and nothing else (SR23). */
static void write_input(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "input", .hook = NF_INET_LOCAL_IN, .priority = 0, .drop = true};
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    static const uint8_t domain[2] = {0, 53};

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_state(batch, NF_CT_STATE_INVALID_BIT);
    do_drop(batch, DROP_INVALID);
    for (size_t i = 0; i < sizeof(protocols); i++) {
        nft_rule_begin(batch, hook.name);
        match_interface(batch, RULE_IN, config->agent_link);
        match_protocol(batch, protocols[i]);
        match_field(batch, destination_port, NULL, RULE_EQUALS, domain);
        end_with(batch, NF_ACCEPT);
    }
    accept_neighbours(batch, hook.name, config->uplink_link);
    drop_noise(batch, hook.name);
    nft_rule_begin(batch, hook.name);
    do_drop(batch, DROP_TO_GUARD);
}

static void drop_odd_headers(struct nft_batch *batch, const char *chain)
{
    static const uint8_t low_nibble = 0x0f, no_options = 5, tcp = IPPROTO_TCP, udp = IPPROTO_UDP;

    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    match_field(batch, v4_first_byte, &low_nibble, RULE_ABOVE, &no_options);
    do_drop(batch, DROP_IP_OPTIONS);
    /* Fragments were put together before this hook, so the next header is the transport's, or the
     * packet carries an extension header: between which and the transport filters disagree. */
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV6);
    match_field(batch, v6_next_header, NULL, RULE_DIFFERS, &tcp);
    match_field(batch, v6_next_header, NULL, RULE_DIFFERS, &udp);
    do_drop(batch, DROP_EXTENSION);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    match_field(batch, (struct packet_field){RULE_NETWORK_HEADER, 9, 1}, NULL, RULE_DIFFERS, &tcp);
    match_field(batch, (struct packet_field){RULE_NETWORK_HEADER, 9, 1}, NULL, RULE_DIFFERS, &udp);
    do_drop(batch, DROP_PROTOCOL);
}

/* SR22: what leaves looks the same however the agent dressed it. */
static void normalise(struct nft_batch *batch, const char *chain)
{
    static const uint8_t urgent = TCP_URG, none = 0;

    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    match_field(batch, tcp_flags, &urgent, RULE_DIFFERS, &none);
    do_drop(batch, DROP_URGENT);
    nft_rule_begin(batch, chain);
    match_protocol(batch, IPPROTO_TCP);
    for (size_t i = 0; i < sizeof(stripped_tcp_options); i++) {
        do_strip_tcp_option(batch, stripped_tcp_options[i]);
    }
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV4);
    do_write_byte(batch, 8, HOPS, true);
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_family(batch, NFPROTO_IPV6);
    do_write_byte(batch, 7, HOPS, false);
    nft_rule_end(batch);
}

static void write_leaving(struct nft_batch *batch)
{
    static const uint8_t handshake = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, syn = TCP_SYN;
    const char *chain = "leaving";

    nft_chain_add(batch, chain);
    drop_odd_headers(batch, chain);
    normalise(batch, chain);
    nft_rule_begin(batch, chain);
    match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease");
    end_with(batch, NF_ACCEPT);

    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    match_protocol(batch, IPPROTO_TCP);
    match_field(batch, tcp_flags, &handshake, RULE_DIFFERS, &syn);
    do_drop(batch, DROP_NOT_SYN);
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    match_over_connections(batch, FLOWS_MAX);
    do_drop(batch, DROP_TOO_MANY);
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    match_over_rate(batch, NEW_FLOWS_PER_SECOND, NEW_FLOWS_BURST);
    do_drop(batch, DROP_TOO_FAST);
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    do_mark_packet(batch, FLOW_MARK_NEW);
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    do_goto(batch, "ask");
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
        match_field(batch, icmp_type, NULL, RULE_EQUALS, &errors[i].type);
        match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease_reply");
        end_with(batch, NF_ACCEPT);
    }
}

static void write_arriving(struct nft_batch *batch)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    const char *chain = "arriving";

    nft_chain_add(batch, chain);
    nft_rule_begin(batch, chain);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
    match_direction(batch, IP_CT_DIR_REPLY);
    match_connection_mark_in_set(batch, FLOW_MARK_MASK, "lease_reply");
    end_with(batch, NF_ACCEPT);
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
    do_drop(batch, DROP_INBOUND);
}

static void write_forward(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "forward", .hook = NF_INET_FORWARD, .priority = 0, .drop = true};

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_state(batch, NF_CT_STATE_INVALID_BIT);
    do_drop(batch, DROP_INVALID);
    nft_rule_begin(batch, hook.name);
    match_interface(batch, RULE_IN, config->agent_link);
    match_interface(batch, RULE_OUT, config->uplink_link);
    do_goto(batch, "leaving");
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    match_interface(batch, RULE_IN, config->uplink_link);
    match_interface(batch, RULE_OUT, config->agent_link);
    do_goto(batch, "arriving");
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    do_drop(batch, DROP_UNROUTED);
}

/* The daemon's yes to a first packet holds only for what the kernel's own sets hold open. */
static void withdraw(struct nft_batch *batch, uint8_t family, struct packet_field destination,
                     const char *set, bool inside, const char *except)
{
    nft_rule_begin(batch, "judged");
    match_family(batch, family);
    match_direction(batch, IP_CT_DIR_ORIGINAL);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    match_field_in_set(batch, destination, set, inside);
    match_field_in_set(batch, destination, except, false);
    do_drop(batch, DROP_WITHDRAWN);
}

static void write_verdicts(struct nft_batch *batch)
{
    static const struct nft_base_chain hook = {
        .name = "verdict", .hook = NF_INET_FORWARD, .priority = 10};

    nft_counter_add(batch, "refused");
    nft_chain_add(batch, "refuse");
    nft_rule_begin(batch, "refuse");
    do_count(batch, "refused");
    nft_rule_end(batch);
    do_answer(batch, "refuse");
    nft_rule_begin(batch, "refuse");
    end_with(batch, NF_DROP);

    nft_chain_add(batch, "judged");
    withdraw(batch, NFPROTO_IPV4, v4_destination, "deny4", true, "open4");
    withdraw(batch, NFPROTO_IPV6, v6_destination, "deny6", true, "open6");
    withdraw(batch, NFPROTO_IPV4, v4_destination, "host4", true, "open4");
    withdraw(batch, NFPROTO_IPV6, v6_destination, "host6", true, "open6");
    withdraw(batch, NFPROTO_IPV4, v4_destination, "pin4", false, "open4");
    withdraw(batch, NFPROTO_IPV6, v6_destination, "pin6", false, "open6");
    nft_rule_begin(batch, "judged");
    do_mark_connection_from_packet(batch);
    nft_rule_end(batch);

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_packet_mark(batch, RULE_EQUALS, FLOW_MARK_DENIED);
    do_goto(batch, "refuse");
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    match_packet_mark(batch, RULE_DIFFERS, 0);
    do_goto(batch, "judged");
    nft_rule_end(batch);
}

static void write_ask(struct nft_batch *batch, enum queue_statement statement)
{
    nft_counter_add(batch, "asked");
    nft_chain_add(batch, "ask");
    nft_rule_begin(batch, "ask");
    do_count(batch, "asked");
    nft_rule_end(batch);
    nft_rule_begin(batch, "ask");
    do_queue(batch, statement, RULESET_QUEUE);
    nft_rule_end(batch);
}

static int probe_statement(struct netlink *netlink, enum queue_statement statement)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, "probe");

    if (error < 0) {
        return error;
    }
    nft_table_replace(&batch);
    nft_chain_add(&batch, "ask");
    nft_rule_begin(&batch, "ask");
    do_queue(&batch, statement, RULESET_QUEUE);
    nft_rule_end(&batch);
    return nft_batch_probe(&batch, netlink);
}

int ruleset_probe_queue(struct netlink *netlink, enum queue_statement *ret_statement,
                        struct failure *reterr)
{
    static const enum queue_statement statements[] = {QUEUE_NATIVE, QUEUE_XT_TARGET};
    int error = 0;

    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        error = probe_statement(netlink, statements[i]);
        if (error == 0) {
            *ret_statement = statements[i];
            return 0;
        }
        if (error != -ENOENT && error != -EOPNOTSUPP) {
            failure_set(reterr, error, "the kernel refuses nftables changes: %s", strerror(-error));
            failure_set_mend(reterr, "a kernel with CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET");
            return error;
        }
    }
    failure_set(reterr, -EOPNOTSUPP, "the kernel has no queue statement for nftables");
    failure_set_needed(reterr, "asking about every new connection");
    failure_set_mend(reterr, "modprobe nft_queue, or nft_compat and xt_NFQUEUE");
    return -EOPNOTSUPP;
}

int ruleset_install(struct netlink *netlink, const struct ruleset_config *config,
                    enum queue_statement statement, struct failure *reterr)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error == 0) {
        nft_table_replace(&batch);
        write_drop_chains(&batch);
        write_sets(&batch, config);
        write_ask(&batch, statement);
        write_prerouting(&batch, config);
        write_redirect(&batch, config);
        write_input(&batch, config);
        write_leaving(&batch);
        write_arriving(&batch);
        write_forward(&batch, config);
        write_verdicts(&batch);
        write_masquerade(&batch, config);
        error = nft_batch_commit(&batch, netlink);
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot install the guard's rules: %s", strerror(-error));
        failure_set_needed(reterr, "the nftables table of the guard's namespace");
        failure_set_mend(reterr, "a kernel with nftables reject, masquerade, redirect, connlimit, "
                                 "log and exthdr expressions");
    }
    return error;
}

static void put_lease(struct nft_batch *batch, uint32_t generation)
{
    uint32_t released = flow_mark_released(generation), pending = flow_mark_pending(generation);

    nft_set_put(batch, "lease", &released, sizeof(released), RULESET_LEASE_MS);
    nft_set_put(batch, "lease_reply", &released, sizeof(released), RULESET_LEASE_MS);
    nft_set_put(batch, "lease_reply", &pending, sizeof(pending), RULESET_LEASE_MS);
}

int ruleset_feed_lease(struct netlink *netlink, uint32_t generation)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    put_lease(&batch, generation);
    return nft_batch_commit(&batch, netlink);
}

int ruleset_change_generation(struct netlink *netlink, uint32_t generation,
                              const struct ip_prefix *private_addresses, size_t count)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    nft_set_flush(&batch, "lease");
    nft_set_flush(&batch, "lease_reply");
    nft_set_flush(&batch, "open4");
    nft_set_flush(&batch, "open6");
    range_set_put_prefixes(&batch, "open4", "open6", private_addresses, count);
    put_lease(&batch, generation);
    return nft_batch_commit(&batch, netlink);
}

int ruleset_set_host_networks(struct netlink *netlink, const struct ip_prefix *prefixes,
                              size_t count)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    nft_set_flush(&batch, "host4");
    nft_set_flush(&batch, "host6");
    range_set_put_prefixes(&batch, "host4", "host6", prefixes, count);
    return nft_batch_commit(&batch, netlink);
}

int ruleset_pin(struct netlink *netlink, const struct ip_address *addresses, size_t count,
                uint64_t timeout_ms)
{
    AUTO(nft_batch_clear) struct nft_batch batch = {0};
    int error = nft_batch_init(&batch, RULESET_TABLE);

    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        bool v4 = addresses[i].family == IP_V4;

        nft_set_put(&batch, v4 ? "pin4" : "pin6", addresses[i].bytes, v4 ? 4 : 16, timeout_ms);
    }
    return nft_batch_commit(&batch, netlink);
}
