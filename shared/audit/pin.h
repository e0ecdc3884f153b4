/*
 * Pins: older checkpoints kept where the writer of the log cannot reach them. A signature alone
 * does not tell an old copy of a log, or a second history under the same key, from the true one.
 *
 * The launcher keeps one by itself, in the pins directory (state_directory.h). It is worth what
 * its owner is worth: under root, with the writer under another user, it holds against the writer.
 */
#ifndef FAILCORE_AUDIT_PIN_H
#define FAILCORE_AUDIT_PIN_H

#include <limits.h>

#include "shared/base/failure.h"

/*
 * Keeps the log's present checkpoint, unless the one that is kept is newer. The checkpoint's
 * signature is verified, and a kept pin's key must be the log's. -EKEYREJECTED: it is not.
 */
int audit_pin_keep(const char *directory, struct failure *reterr);

/* The path of the pin that is kept for this log, and its owner. -ENOENT: there is none. */
int audit_pin_find(const char *directory, char ret_path[static PATH_MAX], unsigned int *ret_uid);

#endif
