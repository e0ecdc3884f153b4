/*
 * The guard's way out.
 *
 *     none          nothing: a link that ends in the guard's own namespace
 *     netns:WHERE   a veth into an existing namespace: a name under /run/netns or an nsfs path
 *     veth          a veth into the namespace of whoever started us, with a table of our own there
 *     pasta         a tap served by pasta(1), an ordinary process of the user
 *
 * Threads: only for a process with one thread.
 * Errors: negative errno, with reterr filled.
 */
#ifndef FAILCORE_NETGUARD_LINK_UPLINK_H
#define FAILCORE_NETGUARD_LINK_UPLINK_H

#include <limits.h>

#include "netguard/link/topology.h"
#include "shared/base/failure.h"

enum uplink_kind { UPLINK_NONE = 0, UPLINK_NETNS, UPLINK_VETH, UPLINK_PASTA };

struct uplink_choice {
    enum uplink_kind kind;
    char where[PATH_MAX]; /* UPLINK_NETNS: the path of the namespace */
};

/* "none", "netns:WHERE", "veth", "pasta". NULL: the default, veth as root and pasta otherwise. */
int uplink_parse(const char *text, struct uplink_choice *ret_choice, struct failure *reterr);

/*
 * The network namespace that lies beyond the uplink, opened before the guard leaves it: WHERE, or
 * the caller's own. -1 with reterr untouched for none and pasta. The caller owns the descriptor.
 */
int uplink_open_world(const struct uplink_choice *choice, struct failure *reterr);

/* Called in the guard's namespace; makes the link, its addresses and the default routes. */
int uplink_raise(const struct uplink_choice *choice, const struct topology *topology, int world,
                 struct failure *reterr);

#endif
