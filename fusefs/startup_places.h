/*
 * Where the policy, the log and the source lie (SR9, SR16): nothing of ours where the workload
 * writes, and no source of ours to read or write; and whether the source compares names as rules
 * do.
 *
 * Compared are directories by device and inode, on every way from the root; once the source is
 * mounted, by descriptors opened before, since paths lead through the mount then. Asked again for
 * each policy that is loaded later.
 *
 * Errors: an enum exit_code and a failure for a person.
 */
#ifndef FAILCORE_FUSEFS_STARTUP_PLACES_H
#define FAILCORE_FUSEFS_STARTUP_PLACES_H

#include "fusefs/startup.h"

/* The words the policies were named by, and the directories that such names are looked up in. */
enum exit_code startup_check_policies(const struct startup *startup, struct failure *reterr);
/* The files that were read: neither they nor a link on the way to them may lie in the source. */
enum exit_code startup_check_policy_files(const struct startup *startup,
                                          const struct policy *policy, struct failure *reterr);
/* A rule binds one spelling of a name; where another opens the same file it binds nothing. */
enum exit_code startup_check_names(const struct startup *startup, const struct policy *policy,
                                   struct failure *reterr);
/* Before a log writer is started, which would write there. */
enum exit_code startup_check_audit_place(const struct startup *startup, struct failure *reterr);
/* Where the writer says that it writes. */
enum exit_code startup_check_audit(const struct startup *startup, struct failure *reterr);

#endif
