/*
 * How a running guard is spoken to by name (failcore-netns): one SOCK_SEQPACKET connection, one
 * word, one answer.
 *
 *     join      "ok" with the agent's network namespace and, when there is one, its owner
 *     status    one JSON object, in as many messages as it takes
 *     reload    with the new resolved policy as a descriptor: "ok", or the failure's three lines
 *     resume    after the breaker has tripped: "ok", or the failure's three lines
 *     stop      "ok", then the guard ends
 *
 * Only the user who started the guard, and root, are answered. The agent of an ordinary user is
 * that same user: their guard hears only who is in the network namespace that it was started from.
 */
#ifndef FAILCORE_NETGUARD_CONTROL_H
#define FAILCORE_NETGUARD_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "netguard/guard.h"

#define CONTROL_ANSWER_MAX  (512U << 10)
#define CONTROL_MESSAGE_MAX (16U << 10)

enum control_outcome { CONTROL_GO_ON = 0, CONTROL_STOP };

/* The network namespace that this thread is in, for guard_options; never 0. Negative errno where
 * the kernel does not say (SO_NETNS_COOKIE, Linux 5.14). */
int control_home(uint64_t *ret_home);

/* Accepts one connection, answers it and closes it. Never waits for the other side. */
enum control_outcome control_serve(struct guard *guard, int listener);

#endif
