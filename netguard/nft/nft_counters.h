/* The named counters of the tables of one name, in every family. */
#ifndef FAILCORE_NETGUARD_NFT_NFT_COUNTERS_H
#define FAILCORE_NETGUARD_NFT_NFT_COUNTERS_H

#include <stdint.h>

#include "netguard/link/netlink.h"

typedef void nft_counter_handler(void *context, const char *name, uint64_t packets, uint64_t bytes);

/* 0 or negative errno; `each` is called for what was there before an error. */
int nft_counters_read(struct netlink *netlink, const char *table, nft_counter_handler *each,
                      void *context);

#endif
