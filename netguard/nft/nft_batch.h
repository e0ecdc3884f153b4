/*
 * Changes to an nftables table, sent to the kernel as one transaction: all of them or none.
 *
 * A writer appends straight through; the first failed allocation sticks and sending reports it.
 * A rule is written between nft_rule_begin() and nft_rule_end() by the match_ and do_ functions of
 * nft_rule.h.
 *
 * Ownership: nft_batch_init() takes memory; release it with nft_batch_clear().
 * Threads: one at a time.
 * Errors: negative errno, the kernel's for the first change that it refused.
 */
#ifndef FAILCORE_NETGUARD_NFT_NFT_BATCH_H
#define FAILCORE_NETGUARD_NFT_NFT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netguard/link/netlink.h"

struct nftnl_batch;
struct nftnl_rule;
struct nftnl_expr;

struct nft_batch {
    struct nftnl_batch *pages;
    const char *table;
    uint8_t family;
    struct nftnl_rule *rule; /* being written; NULL between rules */
    uint32_t sequence;
    int error;
};

/* Begins with the table of that name in family inet. */
int nft_batch_init(struct nft_batch *batch, const char *table);
/* What follows is about the table of the same name in another family (NFPROTO_NETDEV). */
void nft_batch_turn_to(struct nft_batch *batch, uint8_t family);
void nft_batch_clear(struct nft_batch *batch);

/* Sends everything as one transaction and waits for the kernel's answer. */
int nft_batch_commit(struct nft_batch *batch, struct netlink *netlink);
/* The kernel checks everything and changes nothing: the end of the batch is left out. */
int nft_batch_probe(struct nft_batch *batch, struct netlink *netlink);

/* Makes the table new and empty, whether or not it was there. */
void nft_table_replace(struct nft_batch *batch);

/* A new table that belongs to the netlink socket that commits it, and goes with the socket. */
void nft_table_add_owned(struct nft_batch *batch);

enum nft_chain_type { NFT_CHAIN_FILTER_TYPE = 0, NFT_CHAIN_NAT_TYPE };

struct nft_base_chain {
    const char *name;
    enum nft_chain_type type;
    uint32_t hook; /* NF_INET_... */
    int32_t priority;
    bool drop;          /* the policy */
    const char *device; /* of an ingress hook; NULL elsewhere */
};
void nft_chain_add_base(struct nft_batch *batch, const struct nft_base_chain *row);
void nft_chain_add(struct nft_batch *batch, const char *name);

/* A named counter (nft_counters.h reads them). */
void nft_counter_add(struct nft_batch *batch, const char *name);

/* What nft(8) shows the elements as; the kernel does not mind. */
enum nft_key_type { NFT_KEY_IPV4 = 7, NFT_KEY_IPV6 = 8, NFT_KEY_MARK = 19 };

struct nft_set {
    const char *name;
    enum nft_key_type key_type;
    uint32_t key_length; /* bytes */
    uint32_t size;       /* most elements; 0: no bound (only for sets that we fill ourselves) */
    bool timeout;
    bool interval;
};
void nft_set_add(struct nft_batch *batch, const struct nft_set *row);
void nft_set_flush(struct nft_batch *batch, const char *name);
/* timeout_ms 0: stays. An element that is there gets the new timeout, on every kernel. */
void nft_set_put(struct nft_batch *batch, const char *name, const void *key, size_t length,
                 uint64_t timeout_ms);
/* An element of an interval set: from `first` up to but excluding `end`; end NULL: to the last. */
void nft_set_put_interval(struct nft_batch *batch, const char *name, const void *first,
                          const void *end, size_t length);

void nft_rule_begin(struct nft_batch *batch, const char *chain);
/* Takes over the expression, which may be NULL after a failed allocation. */
void nft_rule_append(struct nft_batch *batch, struct nftnl_expr *expression);
void nft_rule_end(struct nft_batch *batch);

#endif
