/*
 * Where the breaker's board of this mount lies (shared/breaker/breaker_board.h).
 *
 * Under `failcore run` the launcher gives it. Alone it is a file in the runtime directory, named
 * after SOURCE, so that a server that is started again finds what the one before it counted and
 * whether it had tripped, and two mounts of one SOURCE count together. Without a runtime directory
 * (XDG_RUNTIME_DIR is not set), or when the policy has no breaker, the board lives and dies with
 * the server.
 */
#ifndef FAILCORE_FUSEFS_BREAKER_PLACE_H
#define FAILCORE_FUSEFS_BREAKER_PLACE_H

#include "fusefs/mount_options.h"
#include "fusefs/tree.h"

/* The tree's breaker with its board and the rules of the policy. Negative errno. */
int breaker_place_open(struct tree *tree, const struct mount_options *options,
                       struct policy *policy);
/* The mount has ended in order: a board that has not tripped is not needed any more. */
void breaker_place_leave(const struct tree *tree, const struct mount_options *options);

#endif
