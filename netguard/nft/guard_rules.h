/*
 * Parts of the guard's table, each written by a file of its own into the one batch of ruleset.c.
 */
#ifndef FAILCORE_NETGUARD_NFT_GUARD_RULES_H
#define FAILCORE_NETGUARD_NFT_GUARD_RULES_H

#include "netguard/nft/drop_reasons.h"
#include "netguard/nft/nft_rule.h"
#include "netguard/nft/ruleset.h"

extern const struct packet_field field_ether_type;
extern const struct packet_field field_v4_first_byte, field_v4_protocol, field_v4_source,
    field_v4_destination;
extern const struct packet_field field_v4_time_to_live, field_v6_next_header, field_v6_hop_limit,
    field_v6_source, field_v6_destination;
extern const struct packet_field field_v4_length, field_v6_length;
extern const struct packet_field field_destination_port, field_icmp_type, field_tcp_flags,
    field_tcp_head, field_tcp_first_options;

/* Ends the open rule: the packet is counted, some are logged, all are dropped. */
void rule_drop(struct nft_batch *batch, enum drop_reason reason);
/* Ends the open rule with NF_ACCEPT or NF_DROP. */
void rule_verdict(struct nft_batch *batch, uint32_t verdict);
/* Rules that let a program hear at once that it is refused; tcp and udp have somebody to tell. */
void rules_answer(struct nft_batch *batch, const char *chain);

/* The chain that rule_drop() sends packets to; before the first such rule. */
void rules_put_drop(struct nft_batch *batch, enum drop_reason reason);
/* Which frames of the agent's link are looked at. A table of its own: family netdev. */
void rules_put_frames(struct nft_batch *batch, const struct ruleset_config *config);
/* What may come in from the agent at all, and what the guard itself hears. */
void rules_put_arrival(struct nft_batch *batch, const struct ruleset_config *config);
/* What goes through: carried by the kernel, or asked about. */
void rules_put_forward(struct nft_batch *batch, const struct ruleset_config *config,
                       enum queue_statement statement);

#endif
