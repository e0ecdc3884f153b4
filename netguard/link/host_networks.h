/*
 * The addresses, subnets and gateways of the host that the guard's traffic leaves through: its own
 * services and its neighbours are no public hosts, whatever their addresses look like (SR24).
 *
 * Ownership: host_networks_open() gives sockets of the namespace that the thread is in, wherever it
 * goes later; release with host_networks_close().
 * Threads: one at a time.
 * Errors: negative errno. What cannot be known is not opened: the guard ends.
 */
#ifndef FAILCORE_NETGUARD_LINK_HOST_NETWORKS_H
#define FAILCORE_NETGUARD_LINK_HOST_NETWORKS_H

#include <stdbool.h>

#include "netguard/link/netlink.h"
#include "shared/base/ip_address.h"

#define HOST_NETWORKS_MAX 512U

struct host_networks {
    struct netlink changes; /* hears of changes; closed: there is no host beyond this uplink */
    struct netlink asks;
    struct ip_prefix prefixes[HOST_NETWORKS_MAX];
    size_t count;
};

int host_networks_open(struct host_networks *ret_networks);
void host_networks_close(struct host_networks *networks);
/* -1 when not open. */
int host_networks_fd(const struct host_networks *networks);

/* Takes what was heard off the socket, then reads everything anew. -E2BIG: more than
 * HOST_NETWORKS_MAX. */
int host_networks_refresh(struct host_networks *networks);

bool host_networks_contain(const struct host_networks *networks, const struct ip_address *address);

#endif
