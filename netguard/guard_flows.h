/* The ends of flows, as records. */
#ifndef FAILCORE_NETGUARD_GUARD_FLOWS_H
#define FAILCORE_NETGUARD_GUARD_FLOWS_H

#include "netguard/guard.h"

/* A RESULT for each flow that the kernel says has ended. */
void guard_record_ended(struct guard *guard);
/* Has the kernel notice what has ended. Two microseconds for each flow that it looks at; the next
 * call goes on with others. */
void guard_look_for_ended(struct guard *guard);
/* The guard ends, and with it every flow that is left. */
void guard_record_all(struct guard *guard);

/* Reads what live flows have sent; those of a spent budget are judged again. Negative errno: the
 * guard must end. */
int guard_count_bytes(struct guard *guard);

/* Each flow gets the bytes that it has carried so far; a walk through the kernel's whole table. */
int guard_count_live(struct guard *guard);

#endif
