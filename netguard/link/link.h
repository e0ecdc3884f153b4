/*
 * Links, addresses, routes and neighbours, by rtnetlink (rtnetlink(7)).
 *
 * Every function acts in the namespace that its netlink socket belongs to and the calling process
 * is in. Errors: negative errno, the kernel's.
 */
#ifndef FAILCORE_NETGUARD_LINK_LINK_H
#define FAILCORE_NETGUARD_LINK_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "netguard/link/netlink.h"
#include "shared/base/ip_address.h"

struct link_end {
    char name[IFNAMSIZ];
    uint8_t mac[6];
    struct ip_address v4, v6;
};

#define LINK_BITS_V4 30
#define LINK_BITS_V6 64

/*
 * A veth pair: `here` in this namespace, `there` in the namespace of the descriptor. Both ends are
 * down. -EEXIST: one of the names is taken.
 */
int link_create_veth(struct netlink *netlink, const struct link_end *here,
                     const struct link_end *there, int there_namespace);
/*
 * Brings up one end in this namespace: its addresses, a static neighbour for the peer, and, when
 * asked for, default routes through the peer. A kernel without IPv6 gets IPv4 only.
 */
int link_raise(struct netlink *netlink, const struct link_end *own, const struct link_end *peer,
               bool default_routes);

/*
 * Connections over the route may begin with LINK_FIRST_SEGMENTS segments instead of the kernel's
 * ten: nobody acknowledges a TLS hello while the guard holds it (flow/held_stream.h), and its 16
 * KiB are twelve.
 */
#define LINK_FIRST_SEGMENTS 16U
/*
 * Packets that come in by `name` are routed when they bear `mark`, and dropped else. While a
 * network namespace is taken down its netfilter tables go first and its links last: without this
 * the kernel forwards, for some milliseconds, whatever comes. Both families; a kernel without IPv6
 * gets IPv4.
 */
int link_route_marked(struct netlink *netlink, const char *name, uint32_t mark);

#endif
