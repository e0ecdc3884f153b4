/*
 * The words that rules are written in; each appends expressions to the rule that is open in the
 * batch. A rule stops at the first match_ that does not hold.
 */
#ifndef FAILCORE_NETGUARD_NFT_NFT_RULE_H
#define FAILCORE_NETGUARD_NFT_NFT_RULE_H

#include "netguard/nft/nft_batch.h"

enum rule_side { RULE_IN, RULE_OUT }; /* of the packet's way through */
enum rule_base { RULE_LINK_HEADER, RULE_NETWORK_HEADER, RULE_TRANSPORT_HEADER };
enum rule_compare { RULE_EQUALS, RULE_DIFFERS, RULE_ABOVE };

/* A field of the packet: `mask` is applied first (NULL: none); all are `length` bytes, at most 16.
 */
struct packet_field {
    enum rule_base base;
    uint32_t offset;
    uint32_t length;
};

void match_interface(struct nft_batch *batch, enum rule_side side, const char *name);
/* The same by number: cheaper, for a link that lives as long as the rules. */
void match_link(struct nft_batch *batch, enum rule_side side, uint32_t index);
void match_family(struct nft_batch *batch, uint8_t nfproto);
void match_protocol(struct nft_batch *batch, uint8_t protocol);
/* PACKET_HOST and the like (linux/if_packet.h). */
void match_packet_type(struct nft_batch *batch, enum rule_compare compare, uint8_t type);
void match_field(struct nft_batch *batch, struct packet_field field, const void *mask,
                 enum rule_compare compare, const void *value);
void match_field_in_set(struct nft_batch *batch, struct packet_field field, const char *set,
                        bool wanted);
/* Bits of linux/netfilter/nf_conntrack_common.h: NF_CT_STATE_INVALID_BIT, NF_CT_STATE_BIT(...). */
void match_state(struct nft_batch *batch, uint32_t bits);
/* IP_CT_DIR_ORIGINAL or IP_CT_DIR_REPLY. */
void match_direction(struct nft_batch *batch, uint8_t direction);
void match_connection_mark_in_set(struct nft_batch *batch, uint32_t mask, const char *set);
void match_packet_mark(struct nft_batch *batch, enum rule_compare compare, uint32_t value);
/* Holds for what is over, respectively under, the rate. */
void match_over_rate(struct nft_batch *batch, uint64_t per_second, uint32_t burst);
void match_under_rate(struct nft_batch *batch, uint64_t per_second, uint32_t burst);

void do_count(struct nft_batch *batch, const char *counter);
void do_verdict(struct nft_batch *batch, uint32_t verdict); /* NF_ACCEPT, NF_DROP */
void do_jump(struct nft_batch *batch, const char *chain);
void do_goto(struct nft_batch *batch, const char *chain);
void do_reject_tcp_reset(struct nft_batch *batch);
void do_reject_prohibited(
    struct nft_batch *batch); /* ICMP administratively prohibited, both families */
void do_log(struct nft_batch *batch, uint16_t group, uint32_t copied_bytes, const char *prefix);
void do_strip_tcp_option(struct nft_batch *batch, uint8_t kind);
/* Writes one byte of the network header; IPv4's header checksum is kept right. */
void do_write_byte(struct nft_batch *batch, uint32_t offset, uint8_t value, bool ipv4);
void do_mark_packet(struct nft_batch *batch, uint32_t mark);
void do_mark_connection_from_packet(struct nft_batch *batch);
void do_redirect(struct nft_batch *batch);
void do_masquerade(struct nft_batch *batch);

/* The two ways to say "queue", neither with bypass: without a listener the packet is dropped. */
enum queue_statement { QUEUE_NATIVE = 0, QUEUE_XT_TARGET };
/* Of the `count` numbers from `first` on, the one of the packet's processor: its own number modulo
 * `count` (packet_queue.h). */
void do_queue(struct nft_batch *batch, enum queue_statement statement, uint16_t first,
              uint16_t count);

#endif
