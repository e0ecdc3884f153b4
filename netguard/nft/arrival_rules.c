/* What the agent may send at all, to whomever, and what the guard itself hears (SR23). */
#include "netguard/flow/flow_mark.h"
#include "netguard/nft/guard_rules.h"

#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#define ASKERS_PER_SECOND 500U
#define ASKERS_BURST      2000U

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
        match_field(batch, field_icmp_type, NULL, RULE_EQUALS, &types[i]);
        match_field(batch, field_v6_hop_limit, NULL, RULE_EQUALS, &on_link);
        rule_verdict(batch, NF_ACCEPT);
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
        match_field(batch, field_icmp_type, NULL, RULE_EQUALS, &types[i]);
        do_count(batch, "noise");
        rule_verdict(batch, NF_DROP);
    }
}

static void pass_own_address(struct nft_batch *batch, uint8_t family, struct packet_field source,
                             const struct ip_address *own)
{
    nft_rule_begin(batch, "from_agent");
    match_family(batch, family);
    match_field(batch, source, NULL, RULE_EQUALS, own->bytes);
    match_packet_type(batch, RULE_EQUALS, PACKET_HOST);
    rule_verdict(batch, NF_ACCEPT);
}

/*
 * prerouting: only the agent's own source address, only to one receiver. Nearly every packet ends
 * at the first two rules; the others say what is wrong with the rest.
 */
static void put_prerouting(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "prerouting", .hook = NF_INET_PRE_ROUTING, .priority = -300};

    nft_counter_add(batch, "noise");
    nft_chain_add(batch, "from_agent");
    pass_own_address(batch, NFPROTO_IPV4, field_v4_source, &config->agent_v4);
    pass_own_address(batch, NFPROTO_IPV6, field_v6_source, &config->agent_v6);
    drop_noise(batch, "from_agent");
    nft_rule_begin(batch, "from_agent");
    match_packet_type(batch, RULE_DIFFERS, PACKET_HOST);
    rule_drop(batch, DROP_MULTICAST);
    nft_rule_begin(batch, "from_agent");
    rule_drop(batch, DROP_SPOOFED);

    nft_chain_add_base(batch, &hook);
    /* Answers, too: the way back to where they come from is looked up with their mark. */
    nft_rule_begin(batch, hook.name);
    do_mark_packet(batch, FLOW_MARK_SEEN);
    nft_rule_end(batch);
    nft_rule_begin(batch, hook.name);
    match_link(batch, RULE_IN, config->agent_index);
    do_goto(batch, "from_agent");
    nft_rule_end(batch);
}

/* Every question on port 53, to whomever, ends at the guard's resolver. */
static void put_redirect(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "dns", .type = NFT_CHAIN_NAT_TYPE, .hook = NF_INET_PRE_ROUTING, .priority = -100};
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    static const uint8_t domain[2] = {0, 53};

    nft_chain_add_base(batch, &hook);
    for (size_t i = 0; i < sizeof(protocols); i++) {
        nft_rule_begin(batch, hook.name);
        match_link(batch, RULE_IN, config->agent_index);
        match_protocol(batch, protocols[i]);
        match_field(batch, field_destination_port, NULL, RULE_EQUALS, domain);
        do_redirect(batch);
        nft_rule_end(batch);
    }
}

/* input: the guard itself hears DNS and its neighbours, and nothing else (SR23). */
static void put_input(struct nft_batch *batch, const struct ruleset_config *config)
{
    static const struct nft_base_chain hook = {
        .name = "input", .hook = NF_INET_LOCAL_IN, .priority = 0, .drop = true};
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
    static const uint8_t domain[2] = {0, 53};

    nft_chain_add_base(batch, &hook);
    nft_rule_begin(batch, hook.name);
    match_state(batch, NF_CT_STATE_INVALID_BIT);
    rule_drop(batch, DROP_INVALID);
    /* Each asker is a flow that the kernel tracks for half a minute, answered or not. */
    nft_rule_begin(batch, hook.name);
    match_link(batch, RULE_IN, config->agent_index);
    match_state(batch, NF_CT_STATE_BIT(IP_CT_NEW));
    match_over_rate(batch, ASKERS_PER_SECOND, ASKERS_BURST);
    rule_drop(batch, DROP_TOO_FAST);
    for (size_t i = 0; i < sizeof(protocols); i++) {
        nft_rule_begin(batch, hook.name);
        match_link(batch, RULE_IN, config->agent_index);
        match_protocol(batch, protocols[i]);
        match_field(batch, field_destination_port, NULL, RULE_EQUALS, domain);
        rule_verdict(batch, NF_ACCEPT);
    }
    accept_neighbours(batch, hook.name, config->uplink_link);
    drop_noise(batch, hook.name);
    nft_rule_begin(batch, hook.name);
    rule_drop(batch, DROP_TO_GUARD);
}

void rules_put_arrival(struct nft_batch *batch, const struct ruleset_config *config)
{
    put_prerouting(batch, config);
    put_redirect(batch, config);
    put_input(batch, config);
}
