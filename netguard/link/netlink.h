/*
 * One netlink socket and the two ways it is used: a request with its acknowledgement, and a dump.
 *
 * Ownership: netlink_open() gives the caller a socket of the network namespace that the thread is
 * in at that moment, whatever namespace it enters later; release it with netlink_close().
 * Threads: one at a time.
 * Errors: negative errno; the kernel's own where it answered.
 */
#ifndef FAILCORE_NETGUARD_LINK_NETLINK_H
#define FAILCORE_NETGUARD_LINK_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#define NETLINK_MESSAGE_MAX 8192
#define NETLINK_ANSWER_MAX  32768 /* what the kernel puts into one answer of a dump */

struct netlink {
    struct mnl_socket *socket;
    uint32_t sequence;
};

/* NETLINK_ROUTE or NETLINK_NETFILTER. */
int netlink_open(int bus, struct netlink *ret_netlink);
void netlink_close(struct netlink *netlink);
int netlink_fd(const struct netlink *netlink);

/* Fills in the sequence and asks for an acknowledgement; waits for it. */
int netlink_request(struct netlink *netlink, struct nlmsghdr *message);

/* Sends the dump request and gives each answer to `each`, which returns MNL_CB_OK to go on. */
int netlink_dump(struct netlink *netlink, struct nlmsghdr *message, mnl_cb_t each, void *context);

#endif
