/*
 * pasta(1) as the uplink: an ordinary process of the user that carries the guard's packets by plain
 * sockets, so that neither root nor the host's firewall is needed.
 *
 * A keeper process, made before the guard leaves the host's namespaces, starts pasta and ends it
 * with the guard. pasta is always told to forward no port and to map no address to the host (SR24).
 *
 * Threads: only from a process with one thread.
 * Errors: negative errno, with reterr filled.
 */
#ifndef FAILCORE_NETGUARD_LINK_PASTA_H
#define FAILCORE_NETGUARD_LINK_PASTA_H

#include <stdbool.h>
#include <sys/types.h>

#include "shared/base/failure.h"

/* -ENOENT: there is no pasta. *ret_socket is the caller's; pasta ends when it closes. */
pid_t pasta_keeper_start(int *ret_socket, struct failure *reterr);

/*
 * In the guard's namespace: has pasta connect it, and waits until the link is there with an
 * address. `owned`: the namespace belongs to a user namespace made for it; another one, of root's,
 * is not to be entered by pasta, which is nobody when root starts it: -EPERM.
 */
int pasta_connect(int keeper, bool owned, const char *link, struct failure *reterr);

#endif
