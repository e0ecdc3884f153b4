/* Prefixes as the elements of interval sets: overlapping and touching ones become one range. */
#ifndef FAILCORE_NETGUARD_NFT_RANGE_SET_H
#define FAILCORE_NETGUARD_NFT_RANGE_SET_H

#include "netguard/nft/nft_batch.h"
#include "shared/base/ip_address.h"

struct address_span {
    uint8_t first[16]; /* the family's bytes in front */
    uint8_t last[16];
};

/*
 * Sorts and unites the spans of one family in place; returns how many are left. `length` is 4 or
 * 16. Spans are inclusive at both ends.
 */
size_t address_spans_unite(struct address_span *spans, size_t count, size_t length);

/* The built-in ranges of shared/policy, and every IPv6 address outside 2000::/3. */
void range_set_put_denied(struct nft_batch *batch, const char *set4, const char *set6);
void range_set_put_prefixes(struct nft_batch *batch, const char *set4, const char *set6,
                            const struct ip_prefix *prefixes, size_t count);

#endif
