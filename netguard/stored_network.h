/*
 * A network that waits in the service manager's descriptor store for its guard: root reads what is
 * configured and leaves, and the guard, which may be anybody, opens nothing of root's.
 *
 *     policy     the resolved policy
 *     control    the bound control socket (control.h), in a directory of root's
 *     words      the rest of the guard's command line
 *
 * Errors: negative errno with reterr filled.
 */
#ifndef FAILCORE_NETGUARD_STORED_NETWORK_H
#define FAILCORE_NETGUARD_STORED_NETWORK_H

#include <stddef.h>

#include "shared/base/failure.h"

int stored_network_keep(const char *const *words, size_t count, int policy, int control,
                        struct failure *reterr);

/*
 * Takes all three. words[] gets `*ret_count` words, at most `room`, which point into *ret_text; the
 * caller releases that, and owns the descriptors.
 */
int stored_network_take(char **ret_text, char **words, size_t room, size_t *ret_count,
                        int *ret_policy, int *ret_control, struct failure *reterr);

#endif
