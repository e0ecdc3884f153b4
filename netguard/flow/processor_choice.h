/*
 * Which processor the guard keeps to: the one on which packets are queued.
 *
 * To wake a thread on another processor that has gone to sleep costs more than all that the guard
 * does about a packet (here 13 us of a virtual processor), and that is where the kernel wakes it
 * when it may: it takes the processor of whoever sends the packet for busy, though who waits for a
 * connection goes to sleep at once. So the guard binds itself to the processor that packets come
 * from (packet_queue.h says which), and is woken there, in the place of the client that waits.
 *
 *     PROCESSOR_FOLLOW packets in a row from another       it goes there, if it has been where it
 *                                                          is for PROCESSOR_STAY_NS
 *     no packet from one beat to the next                  any
 *     a beat that comes late                               somebody else has the processor: any,
 *                                                          for a beat at least
 *
 * Who sends without waiting for verdicts then shares a processor with the guard: the rules let a
 * new flow begin 5000 times a second at most, which is a fraction of what either can do.
 *
 * What it cannot choose is where the client is woken: with an idle processor beside theirs the
 * kernel may send the client there, and that wake-up costs as before.
 *
 * It never goes to a processor that it was not allowed at the start, and where the kernel refuses,
 * it stays: nothing but time depends on any of this.
 *
 * One thread and one order (packet_queue.h) stay what they are. Looking for the next packet for
 * some microseconds instead of sleeping was what it did before: that helps a name inside a
 * connection, but not the first packet of one, and burns a processor that the client could use.
 *
 * Threads: the guard's one thread.
 */
#ifndef FAILCORE_NETGUARD_FLOW_PROCESSOR_CHOICE_H
#define FAILCORE_NETGUARD_FLOW_PROCESSOR_CHOICE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define PROCESSOR_FOLLOW  4U
#define PROCESSOR_STAY_NS 5000000U
#define PROCESSOR_LATE_MS 50U
#define PROCESSOR_ANY     UINT16_MAX

struct processor_choice {
    uint16_t queues;      /* numbers of the packet queue; of one there is nothing to choose */
    uint16_t chosen;      /* number of the queue whose processor it keeps to, or PROCESSOR_ANY */
    uint16_t latest;      /* where packets come from lately, */
    unsigned int in_row;  /* as many of them */
    uint64_t since_ns;    /* it has been where it is */
    bool idle;            /* no packet since the last beat */
    bool rests;           /* until the next beat */
    cpu_set_t of_process; /* what it may run on: as it was at the start */
};

/* What the thread may run on now is what it may at all. */
struct processor_choice processor_choice_init(uint16_t queues);

/* A packet has come. */
void processor_choice_on_packet(struct processor_choice *choice, uint16_t number);
/* It was judged. Whether the choice is another one now: then it is to be taken. */
bool processor_choice_on_verdict(struct processor_choice *choice, uint64_t now_ns);
/* The same at each heartbeat. */
bool processor_choice_on_beat(struct processor_choice *choice, uint64_t late_ms);

/* What `chosen` means here; empty: the process may not go there. */
cpu_set_t processor_choice_set(const struct processor_choice *choice);
/* The calling thread goes there. */
void processor_choice_take(const struct processor_choice *choice);

#endif
