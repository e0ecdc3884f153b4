#include "netguard/nft/guard_rules.h"

#include <linux/netfilter.h>
#include <netinet/in.h>
#include <stdio.h>

#define LOGGED_PER_SECOND 5U
#define LOGGED_BURST      20U
#define LOGGED_BYTES      128U

const struct packet_field field_ether_type = {RULE_LINK_HEADER, 12, 2};
const struct packet_field field_v4_time_to_live = {RULE_NETWORK_HEADER, 8, 1};
const struct packet_field field_v4_protocol = {RULE_NETWORK_HEADER, 9, 1};
const struct packet_field field_v4_source = {RULE_NETWORK_HEADER, 12, 4};
const struct packet_field field_v4_destination = {RULE_NETWORK_HEADER, 16, 4};
const struct packet_field field_v6_source = {RULE_NETWORK_HEADER, 8, 16};
const struct packet_field field_v6_destination = {RULE_NETWORK_HEADER, 24, 16};
const struct packet_field field_v6_next_header = {RULE_NETWORK_HEADER, 6, 1};
const struct packet_field field_v6_hop_limit = {RULE_NETWORK_HEADER, 7, 1};
const struct packet_field field_v4_first_byte = {RULE_NETWORK_HEADER, 0, 1};
const struct packet_field field_destination_port = {RULE_TRANSPORT_HEADER, 2, 2};
const struct packet_field field_icmp_type = {RULE_TRANSPORT_HEADER, 0, 1};
const struct packet_field field_v4_length = {RULE_NETWORK_HEADER, 2, 2};
const struct packet_field field_v6_length = {RULE_NETWORK_HEADER, 4, 2};
const struct packet_field field_tcp_head = {RULE_TRANSPORT_HEADER, 12, 2};
const struct packet_field field_tcp_first_options = {RULE_TRANSPORT_HEADER, 20, 4};
const struct packet_field field_tcp_flags = {RULE_TRANSPORT_HEADER, 13, 1};

static void drop_chain_name(char name[static 32], enum drop_reason reason)
{
    snprintf(name, 32, "x_%s", drop_reason_row(reason)->word);
}

void rule_drop(struct nft_batch *batch, enum drop_reason reason)
{
    char chain[32];

    drop_chain_name(chain, reason);
    do_goto(batch, chain);
    nft_rule_end(batch);
}

void rule_verdict(struct nft_batch *batch, uint32_t verdict)
{
    do_verdict(batch, verdict);
    nft_rule_end(batch);
}

void rules_answer(struct nft_batch *batch, const char *chain)
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

void rules_put_drop(struct nft_batch *batch, enum drop_reason reason)
{
    const char *word = drop_reason_row(reason)->word;
    char chain[32];

    drop_chain_name(chain, reason);
    nft_counter_add(batch, word);
    nft_chain_add(batch, chain);
    nft_rule_begin(batch, chain);
    do_count(batch, word);
    nft_rule_end(batch);
    nft_rule_begin(batch, chain);
    match_under_rate(batch, LOGGED_PER_SECOND, LOGGED_BURST);
    do_log(batch, RULESET_LOG_GROUP, LOGGED_BYTES, word);
    nft_rule_end(batch);
    if (drop_reason_row(reason)->answer == DROP_ANSWERED) {
        rules_answer(batch, chain);
    }
    nft_rule_begin(batch, chain);
    rule_verdict(batch, NF_DROP);
}
