/*
 * Which thread has which slot of a producer.
 *
 * A thread gives its slot back when it ends, which may be while the producer is being freed or long
 * after: the holds are memory of their own, and go with the last of the producer and its threads.
 */
#ifndef FAILCORE_AUDIT_SLOT_HOLD_H
#define FAILCORE_AUDIT_SLOT_HOLD_H

#include <stdatomic.h>
#include <stdbool.h>

struct slot_holds;

struct slot_hold {
    struct slot_holds *all;
    unsigned int index; /* of the slot */
    atomic_bool taken;
};

/* NULL: no memory. */
struct slot_holds *slot_holds_new(unsigned int count);
/* The producer's end. NULL is allowed. */
void slot_holds_leave(struct slot_holds *holds);

/* NULL: all are taken. */
struct slot_hold *slot_hold_take(struct slot_holds *holds);
/* The thread's end, as pthread_key_create(3) wants it: the argument is a slot_hold. */
void slot_hold_give_back(void *argument);

#endif
