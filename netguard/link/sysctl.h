/*
 * Kernel switches under /proc/sys/net of the network namespace that the thread is in.
 *
 * The guard believes nothing that the agent says about the link (SECURITY-RULES SR23), so the
 * switches are set before any link comes up.
 */
#ifndef FAILCORE_NETGUARD_LINK_SYSCTL_H
#define FAILCORE_NETGUARD_LINK_SYSCTL_H

#include <stdbool.h>

#include "shared/base/failure.h"

/* Closed: no forwarding, no router advertisements, redirects or source routes, strict reverse path.
 * And no limit for the answers to refused datagrams but the rules' own. */
int sysctl_close_namespace(struct failure *reterr);
/* Connection tracking as the guard needs it. Called when the rules are there (they load it). */
int sysctl_set_conntrack(struct failure *reterr);
/* The last step of the boot order: rules, queue and links are there. */
int sysctl_open_forwarding(struct failure *reterr);

/* Whether this namespace forwards IPv4 packets; changing it is its administrator's (SR32). */
bool sysctl_forwards(void);

#endif
