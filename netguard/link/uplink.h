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

#include "netguard/link/netlink.h"
#include "netguard/link/topology.h"
#include "shared/base/failure.h"

enum uplink_kind { UPLINK_NONE = 0, UPLINK_NETNS, UPLINK_VETH, UPLINK_PASTA };

struct uplink_choice {
    enum uplink_kind kind;
    char where[PATH_MAX]; /* UPLINK_NETNS: the path of the namespace */
};

/* "none", "netns:WHERE", "veth", "pasta". NULL: the default, veth as root and pasta otherwise. */
int uplink_parse(const char *text, struct uplink_choice *ret_choice, struct failure *reterr);

/* What an uplink keeps for as long as it is there. */
struct uplink {
    int world;  /* the namespace beyond it; -1: none, or pasta's */
    int keeper; /* pasta's keeper; -1: none */
    int keeper_pid;
    struct netlink host_table; /* owns the table on the host (veth) */
};

/* Before the guard leaves its first namespaces: opens the world, starts pasta's keeper. */
int uplink_prepare(const struct uplink_choice *choice, struct uplink *ret_uplink,
                   struct failure *reterr);
void uplink_close(struct uplink *uplink);

/* Called in the guard's namespace; makes the link, its addresses and the default routes. */
int uplink_raise(const struct uplink_choice *choice, const struct topology *topology,
                 struct uplink *uplink, struct failure *reterr);

#endif
