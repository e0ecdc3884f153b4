/*
 * The kernel's samples of what it dropped by itself (NFLOG), made into records.
 *
 * Sampling is the kernel's (ruleset.c limits it per reason); the counters there count everything.
 */
#ifndef FAILCORE_NETGUARD_DROP_LOG_H
#define FAILCORE_NETGUARD_DROP_LOG_H

#include "netguard/link/netlink.h"
#include "netguard/net_gate.h"

struct drop_log {
    struct netlink netlink;
    uint64_t overruns;
};

int drop_log_open(uint16_t group, struct drop_log *ret_log);
void drop_log_close(struct drop_log *log);
int drop_log_fd(const struct drop_log *log);
/* Records what there is, without waiting. */
void drop_log_read(struct drop_log *log, const struct net_gate *gate);

#endif
