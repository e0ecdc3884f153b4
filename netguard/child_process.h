/*
 * The guard's helpers: processes without privileges, each at the other end of a socket pair.
 *
 * Threads: only from a process with one thread.
 */
#ifndef FAILCORE_NETGUARD_CHILD_PROCESS_H
#define FAILCORE_NETGUARD_CHILD_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "netguard/guard_calls.h"
#include "shared/base/failure.h"

/*
 * Forks with a SOCK_SEQPACKET pair. In the parent *ret_sockets[0] is its end, in the child
 * ret_sockets[1]; the other one is closed. Returns as fork(2), or negative errno with reterr
 * filled. The child ends with its parent.
 */
pid_t child_process_start(int ret_sockets[static 2], struct failure *reterr);

/*
 * In the child, once it has all it needs: closes every other descriptor, gives up capabilities,
 * the uid when that is root's, new privileges, core files, and all but its own rows of
 * guard_calls.h. Negative errno: the child must end.
 */
int child_process_confine(enum guard_process process, const int *kept, size_t count);

#endif
