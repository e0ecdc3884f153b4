/*
 * Where keys and pins live: $FAILCORE_STATE/NAME when that is set (tests, special installations),
 * /var/lib/failcore/NAME for root, else $XDG_STATE_HOME/failcore/NAME.
 */
#ifndef FAILCORE_AUDIT_STATE_DIRECTORY_H
#define FAILCORE_AUDIT_STATE_DIRECTORY_H

#include <limits.h>
#include <stdbool.h>

#include "shared/base/failure.h"

#define STATE_KEYS "keys"
#define STATE_PINS "pins"

/* A descriptor of the directory; with `make` it is made 0700. -ENOENT when it is not there. */
int state_directory_open(const char *name, bool make, char ret_path[static PATH_MAX],
                         struct failure *reterr);

#endif
