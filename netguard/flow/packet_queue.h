/*
 * The kernel's queue of packets that wait for a verdict (NFQUEUE).
 *
 * Fails closed: the kernel drops what nobody judges, what does not fit in the queue and what does
 * not fit in the socket. Neither FAIL_OPEN nor a bypass is ever set.
 *
 * Ownership: packet_queue_open() gives a queue of the network namespace that the thread is in.
 * Threads: one at a time.
 * Errors: negative errno.
 */
#ifndef FAILCORE_NETGUARD_FLOW_PACKET_QUEUE_H
#define FAILCORE_NETGUARD_FLOW_PACKET_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "netguard/link/netlink.h"

#define PACKET_QUEUE_LENGTH 4096U

struct packet_queue {
    struct netlink netlink;
    uint16_t number;
    uint8_t *buffer;   /* one message: headers and up to 64 KiB of packet */
    uint64_t overruns; /* times that the socket overflowed; the packets were dropped */
};

struct queued_packet {
    uint32_t id;
    uint32_t in_link; /* interface index */
    uint32_t mark;    /* the flow's own is not given to us: see flow_table.h */
    const uint8_t *bytes;
    size_t length; /* captured; shorter than the packet only when `cut` */
    bool cut;
};

/* -EPERM: another process listens on that number. */
int packet_queue_open(uint16_t number, struct packet_queue *ret_queue);
void packet_queue_close(struct packet_queue *queue);
int packet_queue_fd(const struct packet_queue *queue);

/*
 * Reads one datagram without waiting and hands each packet in it over. -EAGAIN: nothing there.
 * An overflow is counted and is no error.
 */
typedef void packet_queue_handler(void *context, const struct queued_packet *packet);
int packet_queue_read(struct packet_queue *queue, packet_queue_handler *handle, void *context);

/*
 * Verdicts; a packet that is gone meanwhile is no error. `mark` goes with an accepted packet to the
 * ruleset's last chain, which refuses FLOW_MARK_DENIED and copies others to the connection.
 */
void packet_queue_accept(struct packet_queue *queue, uint32_t id, uint32_t mark);
void packet_queue_drop(struct packet_queue *queue, uint32_t id);

#endif
