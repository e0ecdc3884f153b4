/*
 * The kernel's connection tracking of the guard's namespace: how flows end, and how much they have
 * carried (ctnetlink).
 *
 * Ownership: conntrack_open() gives sockets of the namespace that the thread is in.
 * Threads: one at a time.
 * Errors: negative errno.
 */
#ifndef FAILCORE_NETGUARD_FLOW_CONNTRACK_H
#define FAILCORE_NETGUARD_FLOW_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "netguard/flow/flow_table.h"
#include "netguard/link/netlink.h"

struct conntrack {
    struct netlink events; /* ended flows */
    struct netlink asks;
    uint64_t overruns; /* ends that were lost */
};

struct conntrack_flow {
    struct flow_key key; /* the agent's side is the original direction */
    uint32_t mark;
    uint64_t bytes_out, bytes_in; /* with headers, as the kernel counts them */
};

int conntrack_open(struct conntrack *ret_conntrack);
void conntrack_close(struct conntrack *conntrack);
int conntrack_fd(const struct conntrack *conntrack);

typedef void conntrack_handler(void *context, const struct conntrack_flow *flow);
/* What has ended since the last time, without waiting. */
void conntrack_read_ended(struct conntrack *conntrack, conntrack_handler *each, void *context);
/*
 * The kernel forgets what has ended when it next looks there, else when its collector comes around
 * (a minute). This makes it look at these flows: the ends of those that are over can be read then.
 * ret_gone[i]: the kernel knows no such flow; its end is read or was lost.
 */
#define CONNTRACK_LOOKS_MAX 64U
void conntrack_look_at(struct conntrack *conntrack, const struct flow_key *keys, size_t count,
                       bool *ret_gone);
/* The flow is over for us: what comes of it later belongs to nothing. */
void conntrack_forget(struct conntrack *conntrack, const struct flow_key *key);
/* How many flows the namespace has, those to the guard itself among them; or negative errno. */
int conntrack_count(struct conntrack *conntrack);
/* All flows there are. */
int conntrack_each(struct conntrack *conntrack, conntrack_handler *each, void *context);

#endif
