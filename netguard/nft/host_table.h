/*
 * The one thing that a guard with a veth changes on its host: a table of its own that lends its
 * traffic the host's address and keeps it from the host's own services.
 *
 * The table belongs to the netlink socket (NFT_TABLE_F_OWNER) and goes with it, however the guard
 * ends. Losing it opens nothing: traffic then leaves under an address that nobody answers to.
 */
#ifndef FAILCORE_NETGUARD_NFT_HOST_TABLE_H
#define FAILCORE_NETGUARD_NFT_HOST_TABLE_H

#include "netguard/link/link.h"
#include "shared/base/failure.h"

/* `owner` was opened in the host's namespace and must stay open. */
int host_table_install(struct netlink *owner, const struct link_end *outer,
                       const struct link_end *inner, struct failure *reterr);

#endif
