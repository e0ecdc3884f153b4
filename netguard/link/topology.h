/*
 * The two network namespaces of a guard and the link between them:
 *
 *     agent's namespace                     guard's namespace
 *       eth0 10.77.0.2, fd77:fc::2  ------  agent0 10.77.0.1, fd77:fc::1     uplink0 ---> uplink.h
 *
 * Nobody but the guard's processes holds the guard's namespace: when they die, it goes, and its
 * links with it. So a guard that was killed lets nothing through and leaves nothing behind.
 *
 * Ownership: topology_make() gives the caller descriptors; topology_close() closes them.
 * Threads: only for a process with one thread.
 * Errors: negative errno, with reterr filled.
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
    int agent;
};

struct ip_address topology_agent_v4(void);
struct ip_address topology_agent_v6(void);
struct ip_address topology_guard_v4(void);

/*
 * Makes the namespaces, closed (sysctl_close_namespace) and with their links down. The calling
 * process is in the guard's namespace afterwards, and in the owner namespace when one was made.
 */
int topology_make(struct topology *ret_topology, struct failure *reterr);
void topology_close(struct topology *topology);

/* Addresses, neighbours and routes of the link to the agent, and up with it. */
int topology_raise_agent_link(const struct topology *topology, struct failure *reterr);

#endif
