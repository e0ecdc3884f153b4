/*
 * The two network namespaces of a guard and the link between them:
 *
 *     agent's namespace                     guard's namespace
 *       eth0 10.77.0.2, fd77:fc::2  ------  agent0 10.77.0.1, fd77:fc::1     uplink0 ---> uplink.h
 *
 * Nobody but the guard's processes holds the guard's namespace: when they die, it goes, and its
 * links with it. So a guard that was killed leaves nothing behind. And lets nothing through: the
 * tables of a dying namespace go before its links, but what they have not marked is not routed.
 *
 * Ownership: the two that make give the caller descriptors; topology_close() closes them, also
 * those of a making that failed. Threads: only for a process with one thread. Errors: negative
 * errno, with reterr filled.
 */
#ifndef FAILCORE_NETGUARD_LINK_TOPOLOGY_H
#define FAILCORE_NETGUARD_LINK_TOPOLOGY_H

#include "shared/base/failure.h"
#include "shared/base/ip_address.h"

#define TOPOLOGY_AGENT_LINK  "agent0" /* in the guard's namespace */
#define TOPOLOGY_UPLINK_LINK "uplink0"

struct topology {
    int owner; /* user namespace made for the two; -1: the caller's privileges were enough */
    int guard;
    int guard_owner; /* user namespace that owns `guard` and nothing else */
    int agent;
};

#define TOPOLOGY_NONE                                                                              \
    (struct topology)                                                                              \
    {                                                                                              \
        .owner = -1, .guard = -1, .guard_owner = -1, .agent = -1                                   \
    }

struct ip_address topology_agent_v4(void);
struct ip_address topology_agent_v6(void);
struct ip_address topology_guard_v4(void);

/*
 * What the two below make, before anything is known of the run; they find it made. Only where no
 * user namespace has to own it. The calling process is where it was; what fails is left to them.
 * Negative errno: the process is lost in a namespace of ours, and must end.
 */
int topology_prepare(struct topology *topology);

/*
 * The agent's namespace, closed (sysctl_close_namespace) and without a link; the calling process is
 * in it, and in the owner namespace when one was made. Whoever is to live there may enter at once.
 */
int topology_make_agent(struct topology *topology, struct failure *reterr);

/*
 * The guard's, closed too, and the link between the two, down. The calling process is in the
 * guard's namespace afterwards.
 *
 * It belongs to a user namespace of its own, which nobody is in: the daemon enters it once
 * everything is set up (topology_retire), and CAP_NET_ADMIN is then worth something there alone.
 */
int topology_make_guard(struct topology *topology, struct failure *reterr);
void topology_close(struct topology *topology);

/*
 * Into the user namespace that owns the guard's namespace, as nobody there when the process was
 * root. Every capability over anything else is gone with that; capabilities in it are left.
 */
int topology_retire(struct topology *topology);

/* Addresses, neighbours and routes of the link to the agent, and up with it. */
int topology_raise_agent_link(const struct topology *topology, struct failure *reterr);

#endif
