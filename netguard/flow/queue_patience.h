/*
 * How long the guard looks for the next packet before it sleeps.
 *
 * What begins with a packet mostly goes on with another: the first message after the SYN, the
 * server's acknowledgement after that. To be woken on a processor that has gone to sleep costs more
 * than all that the guard does about a packet (here 13 us of a virtual processor, 35 us there and
 * back), so it looks for as long as the last packet took to come, if that was not long.
 *
 *     a packet came within QUEUE_PATIENCE_NS of the last verdict    the next is waited for as long
 *     it took longer, as over any network of some length            the guard sleeps at once
 *
 * Whoever looks gives way each time, but that means little to those of another session or control
 * group who want the same processor, and who gave way is not woken when a packet comes. So a look
 * in vain is paid for with packets for which it does not look, twice as many each time; and when
 * giving way took long, the processor is crowded, and for a while the guard does better to sleep.
 *
 * An agent that keeps it looking sends a packet each 50 us, and that work is the greater part.
 * With one processor there is nothing to be won.
 */
#ifndef FAILCORE_NETGUARD_FLOW_QUEUE_PATIENCE_H
#define FAILCORE_NETGUARD_FLOW_QUEUE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_PATIENCE_NS      50000U
#define QUEUE_PATIENCE_LONG_NS 200000U    /* to have given way for so long means a crowd; */
#define QUEUE_PATIENCE_REST_NS 1000000000 /* then not for so long */
#define QUEUE_PATIENCE_MISSES  8U         /* that make a difference */

struct queue_patience {
    uint64_t judged_at_ns; /* the last packet; 0: none yet */
    uint64_t rests_until_ns;
    unsigned int misses; /* looks in vain, one after the other */
    unsigned int owed;   /* packets for which it does not look */
    bool looks;          /* it has looked since the last packet */
    bool waits;          /* for the next */
    bool alone;          /* on a machine with one processor: never */
};

struct queue_patience queue_patience_init(long processors);

/* A packet has come. */
void queue_patience_on_packet(struct queue_patience *patience, uint64_t now_ns);
/* It was judged. */
void queue_patience_on_verdict(struct queue_patience *patience, uint64_t now_ns);
/* There is none: whether to look once more. */
bool queue_patience_lasts(struct queue_patience *patience, uint64_t now_ns);
/* It gave way, and had its turn again. */
void queue_patience_on_turn(struct queue_patience *patience, uint64_t since_ns, uint64_t now_ns);

#endif
