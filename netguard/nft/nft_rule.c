#include "netguard/nft/nft_rule.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <net/if.h>
#include <string.h>

#include <libnftnl/expr.h>

/* Every statement loads into this register and uses it at once. */
#define REGISTER NFT_REG_1

static uint32_t operation_of(enum rule_compare compare)
{
    switch (compare) {
    case RULE_EQUALS:
        return NFT_CMP_EQ;
    case RULE_DIFFERS:
        return NFT_CMP_NEQ;
    case RULE_ABOVE:
        return NFT_CMP_GT;
    }
    return NFT_CMP_EQ;
}

static void compare_register(struct nft_batch *batch, enum rule_compare compare, const void *value,
                             size_t length)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("cmp");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, REGISTER);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, operation_of(compare));
        nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, value, (uint32_t)length);
    }
    nft_rule_append(batch, expr);
}

static void mask_register(struct nft_batch *batch, const void *mask, size_t length)
{
    static const uint8_t nothing[16];
    struct nftnl_expr *expr = nftnl_expr_alloc("bitwise");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, REGISTER);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, REGISTER);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, (uint32_t)length);
        nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, mask, (uint32_t)length);
        nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, nothing, (uint32_t)length);
    }
    nft_rule_append(batch, expr);
}

static void look_up_register(struct nft_batch *batch, const char *set, bool wanted)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("lookup");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REGISTER);
        nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set);
        if (!wanted) {
            nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
        }
    }
    nft_rule_append(batch, expr);
}

static void load_meta(struct nft_batch *batch, uint32_t key)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("meta");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, REGISTER);
    }
    nft_rule_append(batch, expr);
}

static void load_connection(struct nft_batch *batch, uint32_t key)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("ct");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, key);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, REGISTER);
    }
    nft_rule_append(batch, expr);
}

static uint32_t base_of(enum rule_base base)
{
    switch (base) {
    case RULE_LINK_HEADER:
        return NFT_PAYLOAD_LL_HEADER;
    case RULE_NETWORK_HEADER:
        return NFT_PAYLOAD_NETWORK_HEADER;
    case RULE_TRANSPORT_HEADER:
        return NFT_PAYLOAD_TRANSPORT_HEADER;
    }
    return NFT_PAYLOAD_NETWORK_HEADER;
}

static void load_field(struct nft_batch *batch, struct packet_field field)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("payload");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, REGISTER);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base_of(field.base));
        nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, field.offset);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, field.length);
    }
    nft_rule_append(batch, expr);
}

void match_interface(struct nft_batch *batch, enum rule_side side, const char *name)
{
    char padded[IFNAMSIZ] = {0};

    memcpy(padded, name, strnlen(name, IFNAMSIZ - 1));
    load_meta(batch, side == RULE_IN ? NFT_META_IIFNAME : NFT_META_OIFNAME);
    compare_register(batch, RULE_EQUALS, padded, sizeof(padded));
}

void match_link(struct nft_batch *batch, enum rule_side side, uint32_t index)
{
    load_meta(batch, side == RULE_IN ? NFT_META_IIF : NFT_META_OIF);
    compare_register(batch, RULE_EQUALS, &index, sizeof(index));
}

static void match_meta_byte(struct nft_batch *batch, uint32_t key, enum rule_compare compare,
                            uint8_t value)
{
    load_meta(batch, key);
    compare_register(batch, compare, &value, sizeof(value));
}

void match_family(struct nft_batch *batch, uint8_t nfproto)
{
    match_meta_byte(batch, NFT_META_NFPROTO, RULE_EQUALS, nfproto);
}

void match_protocol(struct nft_batch *batch, uint8_t protocol)
{
    match_meta_byte(batch, NFT_META_L4PROTO, RULE_EQUALS, protocol);
}

void match_packet_type(struct nft_batch *batch, enum rule_compare compare, uint8_t type)
{
    match_meta_byte(batch, NFT_META_PKTTYPE, compare, type);
}

void match_field(struct nft_batch *batch, struct packet_field field, const void *mask,
                 enum rule_compare compare, const void *value)
{
    load_field(batch, field);
    if (mask != NULL) {
        mask_register(batch, mask, field.length);
    }
    compare_register(batch, compare, value, field.length);
}

void match_field_in_set(struct nft_batch *batch, struct packet_field field, const char *set,
                        bool wanted)
{
    load_field(batch, field);
    look_up_register(batch, set, wanted);
}

void match_state(struct nft_batch *batch, uint32_t bits)
{
    static const uint32_t none = 0;

    load_connection(batch, NFT_CT_STATE);
    mask_register(batch, &bits, sizeof(bits));
    compare_register(batch, RULE_DIFFERS, &none, sizeof(none));
}

void match_direction(struct nft_batch *batch, uint8_t direction)
{
    load_connection(batch, NFT_CT_DIRECTION);
    compare_register(batch, RULE_EQUALS, &direction, sizeof(direction));
}

void match_connection_mark_in_set(struct nft_batch *batch, uint32_t mask, const char *set)
{
    load_connection(batch, NFT_CT_MARK);
    mask_register(batch, &mask, sizeof(mask));
    look_up_register(batch, set, true);
}

void match_packet_mark(struct nft_batch *batch, enum rule_compare compare, uint32_t value)
{
    load_meta(batch, NFT_META_MARK);
    compare_register(batch, compare, &value, sizeof(value));
}

static void match_rate(struct nft_batch *batch, uint64_t per_second, uint32_t burst, bool over)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("limit");

    if (expr != NULL) {
        nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, per_second);
        nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, burst);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
    }
    nft_rule_append(batch, expr);
}

void match_over_rate(struct nft_batch *batch, uint64_t per_second, uint32_t burst)
{
    match_rate(batch, per_second, burst, true);
}

void match_under_rate(struct nft_batch *batch, uint64_t per_second, uint32_t burst)
{
    match_rate(batch, per_second, burst, false);
}

void do_count(struct nft_batch *batch, const char *counter)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("objref");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
        nftnl_expr_set_str(expr, NFTNL_EXPR_OBJREF_IMM_NAME, counter);
    }
    nft_rule_append(batch, expr);
}

static void put_verdict(struct nft_batch *batch, uint32_t verdict, const char *chain)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("immediate");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, verdict);
        if (chain != NULL) {
            nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, chain);
        }
    }
    nft_rule_append(batch, expr);
}

void do_verdict(struct nft_batch *batch, uint32_t verdict)
{
    put_verdict(batch, verdict, NULL);
}

void do_jump(struct nft_batch *batch, const char *chain)
{
    put_verdict(batch, (uint32_t)NFT_JUMP, chain);
}

void do_goto(struct nft_batch *batch, const char *chain)
{
    put_verdict(batch, (uint32_t)NFT_GOTO, chain);
}

static void put_reject(struct nft_batch *batch, uint32_t type, uint8_t code)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("reject");

    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_REJECT_TYPE, type);
        nftnl_expr_set_u8(expr, NFTNL_EXPR_REJECT_CODE, code);
    }
    nft_rule_append(batch, expr);
}

void do_reject_tcp_reset(struct nft_batch *batch)
{
    put_reject(batch, NFT_REJECT_TCP_RST, 0);
}

void do_reject_prohibited(struct nft_batch *batch)
{
    put_reject(batch, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
}

void do_log(struct nft_batch *batch, uint16_t group, uint32_t copied_bytes, const char *prefix)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("log");

    if (expr != NULL) {
        nftnl_expr_set_u16(expr, NFTNL_EXPR_LOG_GROUP, group);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_LOG_SNAPLEN, copied_bytes);
        nftnl_expr_set_str(expr, NFTNL_EXPR_LOG_PREFIX, prefix);
    }
    nft_rule_append(batch, expr);
}

void do_strip_tcp_option(struct nft_batch *batch, uint8_t kind)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("exthdr");

    if (expr != NULL) {
        nftnl_expr_set_u8(expr, NFTNL_EXPR_EXTHDR_TYPE, kind);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
    }
    nft_rule_append(batch, expr);
}

/*
 * Two bytes are written at an even offset, as the checksum update wants it: the byte and its
 * neighbour, which is loaded first.
 */
void do_write_byte(struct nft_batch *batch, uint32_t offset, uint8_t value, bool ipv4)
{
    uint32_t even = offset & ~1U;
    uint8_t keep[2] = {0xff, 0xff}, put[2] = {0, 0};
    struct nftnl_expr *change, *store;

    keep[offset - even] = 0;
    put[offset - even] = value;
    load_field(batch, (struct packet_field){RULE_NETWORK_HEADER, even, 2});
    change = nftnl_expr_alloc("bitwise");
    store = nftnl_expr_alloc("payload");
    if (change != NULL) {
        nftnl_expr_set_u32(change, NFTNL_EXPR_BITWISE_SREG, REGISTER);
        nftnl_expr_set_u32(change, NFTNL_EXPR_BITWISE_DREG, REGISTER);
        nftnl_expr_set_u32(change, NFTNL_EXPR_BITWISE_LEN, sizeof(keep));
        nftnl_expr_set(change, NFTNL_EXPR_BITWISE_MASK, keep, sizeof(keep));
        nftnl_expr_set(change, NFTNL_EXPR_BITWISE_XOR, put, sizeof(put));
    }
    nft_rule_append(batch, change);
    if (store != NULL) {
        nftnl_expr_set_u32(store, NFTNL_EXPR_PAYLOAD_SREG, REGISTER);
        nftnl_expr_set_u32(store, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
        nftnl_expr_set_u32(store, NFTNL_EXPR_PAYLOAD_OFFSET, even);
        nftnl_expr_set_u32(store, NFTNL_EXPR_PAYLOAD_LEN, 2);
        nftnl_expr_set_u32(store, NFTNL_EXPR_PAYLOAD_CSUM_TYPE,
                           ipv4 ? NFT_PAYLOAD_CSUM_INET : NFT_PAYLOAD_CSUM_NONE);
        nftnl_expr_set_u32(store, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, ipv4 ? 10 : 0);
    }
    nft_rule_append(batch, store);
}

void do_mark_packet(struct nft_batch *batch, uint32_t mark)
{
    struct nftnl_expr *load = nftnl_expr_alloc("immediate"), *store = nftnl_expr_alloc("meta");

    if (load != NULL) {
        nftnl_expr_set_u32(load, NFTNL_EXPR_IMM_DREG, REGISTER);
        nftnl_expr_set(load, NFTNL_EXPR_IMM_DATA, &mark, sizeof(mark));
    }
    nft_rule_append(batch, load);
    if (store != NULL) {
        nftnl_expr_set_u32(store, NFTNL_EXPR_META_KEY, NFT_META_MARK);
        nftnl_expr_set_u32(store, NFTNL_EXPR_META_SREG, REGISTER);
    }
    nft_rule_append(batch, store);
}

void do_mark_connection_from_packet(struct nft_batch *batch)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("ct");

    load_meta(batch, NFT_META_MARK);
    if (expr != NULL) {
        nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
        nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_SREG, REGISTER);
    }
    nft_rule_append(batch, expr);
}

void do_redirect(struct nft_batch *batch)
{
    nft_rule_append(batch, nftnl_expr_alloc("redir"));
}

void do_masquerade(struct nft_batch *batch)
{
    nft_rule_append(batch, nftnl_expr_alloc("masq"));
}

static struct nftnl_expr *native_queue(uint16_t first, uint16_t count)
{
    struct nftnl_expr *expr = nftnl_expr_alloc("queue");

    if (expr != NULL) {
        nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_NUM, first);
        nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_TOTAL, count);
        nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_CPU_FANOUT);
    }
    return expr;
}

/* libnftnl frees the target's payload with the expression, so it gets memory of its own. */
static struct nftnl_expr *xt_queue(uint16_t first, uint16_t count)
{
    struct xt_NFQ_info_v3 *target = calloc(1, 8);
    struct nftnl_expr *expr = target == NULL ? NULL : nftnl_expr_alloc("target");

    if (expr == NULL) {
        free(target);
        return NULL;
    }
    target->queuenum = first;
    target->queues_total = count;
    target->flags = NFQ_FLAG_CPU_FANOUT;
    nftnl_expr_set_str(expr, NFTNL_EXPR_TG_NAME, "NFQUEUE");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_TG_REV, 3);
    nftnl_expr_set(expr, NFTNL_EXPR_TG_INFO, target, 8);
    return expr;
}

void do_queue(struct nft_batch *batch, enum queue_statement statement, uint16_t first,
              uint16_t count)
{
    switch (statement) {
    case QUEUE_NATIVE:
        nft_rule_append(batch, native_queue(first, count));
        return;
    case QUEUE_XT_TARGET:
        nft_rule_append(batch, xt_queue(first, count));
        return;
    }
}
