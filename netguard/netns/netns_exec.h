/*
 * A command in the agent's network namespace of a guard, as far from that namespace's owner as this
 * program can put it (SECURITY-RULES SR1, SR2): user, pid and mount namespaces of its own, no
 * capability over the network namespace, never the kernel's uid 0, its resolver the guard's.
 *
 * Files are not confined here: that is `failcore run`.
 */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_EXEC_H
#define FAILCORE_NETGUARD_NETNS_NETNS_EXEC_H

#include "shared/base/failure.h"

/*
 * Runs the command, for root as a given user (NULL: the one behind sudo, or an id that nobody has),
 * and waits for it. Returns the exit code that this program should end with: the
 * command's own, 128+n, 125, 126 or 127; reterr is filled when it is ours.
 */
int netns_exec(const char *name, const char *as_user, char *const *argv, struct failure *reterr);

#endif
