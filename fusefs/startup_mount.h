/*
 * The mount of a startup: its directory shut, the session made or taken over, and everything put
 * back as it was.
 *
 * Errors: an enum exit_code and a failure for a person.
 */
#ifndef FAILCORE_FUSEFS_STARTUP_MOUNT_H
#define FAILCORE_FUSEFS_STARTUP_MOUNT_H

#include "fusefs/startup.h"

/* Opens the mountpoint, frees it of a dead server's mount and shuts it (mountpoint_guard.h), unless
 * it is the source itself. */
enum exit_code startup_check_mountpoint(struct startup *startup, struct failure *reterr);
/* As the options say: made here, or handed over. The device is the caller's. */
enum exit_code startup_mount(struct startup *startup, int *ret_device, struct failure *reterr);
/* For the owner of the source alone, who is to serve it. */
enum exit_code startup_mount_for_owner(struct startup *startup, int *ret_device,
                                       struct failure *reterr);

#endif
