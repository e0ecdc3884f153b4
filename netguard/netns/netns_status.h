/* What a network's guard says of itself: as it says it, or for people. */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_STATUS_H
#define FAILCORE_NETGUARD_NETNS_NETNS_STATUS_H

#include <stdbool.h>

#include "shared/base/failure.h"

/* On standard output. -ENOENT, -ECONNREFUSED and -EAGAIN as from netns_connect(), with reterr
 * filled. */
int netns_status_print(const char *name, bool json, struct failure *reterr);

#endif
