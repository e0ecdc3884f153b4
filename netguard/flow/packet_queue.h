/*
 * The kernel's queue of packets that wait for a verdict (NFQUEUE).
 *
 * It is a fan of queue numbers, one for each processor, which the ruleset spreads packets over by
 * the processor that they are on ("fanout", xt "cpu-fanout"): so a packet says where its sender
 * runs (processor_choice.h). All numbers are bound by one socket and read in the order in which
 * the kernel put packets there, whichever processor they came from: to whoever judges them it is
 * one queue, and the packets of a flow stay in order. Several sockets, or threads, would not keep
 * that order.
 *
 * Fails closed: the kernel drops what nobody judges, what comes for a number that nobody has
 * bound, what does not fit in the queue and what does not fit in the socket. Neither FAIL_OPEN nor
 * a bypass is ever set.
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

#define PACKET_QUEUE_LENGTH 2048U /* packets, for each number */
#define PACKET_QUEUES_MAX   16U   /* beyond that, processors share a number */

struct packet_queue {
    struct netlink netlink;
    uint16_t first, count; /* numbers */
    uint8_t *buffer;       /* one message: headers and up to 64 KiB of packet */
    uint64_t overruns;     /* times that the socket overflowed; the packets were dropped */
};

/* Where a packet waits. */
struct packet_place {
    uint16_t number; /* of the queue, from 0 on: the processor's, modulo how many there are */
    uint32_t id;
};

struct queued_packet {
    struct packet_place place;
    uint32_t in_link; /* interface index */
    uint32_t mark;    /* the flow's own is not given to us: see flow_table.h */
    const uint8_t *bytes;
    size_t length; /* captured; shorter than the packet only when `cut` */
    bool cut;
};

/* How many numbers are worth having on this machine. */
uint16_t packet_queue_numbers(void);
/* All of them or none. -EPERM: another process listens on one of the numbers. */
int packet_queue_open(uint16_t first, uint16_t count, struct packet_queue *ret_queue);
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
void packet_queue_accept(struct packet_queue *queue, struct packet_place place, uint32_t mark);
void packet_queue_drop(struct packet_queue *queue, struct packet_place place);

#endif
