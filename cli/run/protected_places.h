/*
 * The directories that a run may never be able to write: policies, configuration, the audit log,
 * keys, run-time files and our own programs. A workspace at, above or below one of them is refused
 * (compared by device and inode).
 */
#ifndef FAILCORE_CLI_RUN_PROTECTED_PLACES_H
#define FAILCORE_CLI_RUN_PROTECTED_PLACES_H

#include "cli/run/options.h"
#include "shared/base/failure.h"
#include "shared/policy/policy.h"

/* `tree` is opened, `name` is what messages call it; -EACCES with the place named. */
int protected_places_check(const char *name, const char *tree, const struct run_options *options,
                           struct failure *reterr);

/*
 * The same for every file that the policy was made of, parents and enforced ones included: neither
 * the file nor a link on the way to it may lie in the tree.
 */
int protected_places_check_policy(const char *name, int tree, const struct policy *policy,
                                  struct failure *reterr);

#endif
