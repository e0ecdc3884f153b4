/*
 * The guard's loop: one thread waits for whatever comes first and serves it. Packets go first, and
 * it is woken where they come from (flow/processor_choice.h).
 */
#ifndef FAILCORE_NETGUARD_GUARD_LOOP_H
#define FAILCORE_NETGUARD_GUARD_LOOP_H

#include "netguard/guard.h"

/* Descriptors beside the guard's own; all borrowed. */
struct guard_loop {
    int listener;   /* failcore-netns asks here; -1: nobody does */
    int supervisor; /* readable or hung up: the guard ends; -1: nobody's */
    int signals;    /* a signalfd: any of them ends the guard */
    int manager;    /* the service manager's socket; -1: nobody's service */
};

/* Returns when the guard must end. */
void guard_loop_run(struct guard *guard, const struct guard_loop *loop);

#endif
