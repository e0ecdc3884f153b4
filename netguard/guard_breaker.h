/*
 * The circuit breaker in the guard (shared/breaker/breaker.h).
 *
 * Counted are new flows that the policy allows, before they begin; refusals; and the bytes that
 * flows have sent, which the kernel counts and the guard reads with each heartbeat: what is sent
 * beyond the limit until then has been sent.
 *
 * A tripped breaker refuses flows and names, and every flow that lives is judged again, which
 * refuses it: nothing leaves until the operator resumes.
 */
#ifndef FAILCORE_NETGUARD_GUARD_BREAKER_H
#define FAILCORE_NETGUARD_GUARD_BREAKER_H

#include "netguard/guard.h"

/* The run's board, or with board_fd -1 one of its own. Negative errno. */
int guard_breaker_open(struct guard *guard, const struct guard_options *options);

/* Counts what was sent up to now. */
void guard_breaker_count_bytes(struct guard *guard);
/* Has somebody tripped it since the last look? Then flows are judged again. Negative errno: the
 * guard must end. */
int guard_breaker_look(struct guard *guard);

#endif
