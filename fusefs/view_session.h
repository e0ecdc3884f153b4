/*
 * The run's root, served beside its workspace: one more /dev/fuse descriptor, already mounted, and
 * one thread that answers what is asked of it (view_requests.h). It holds no file and reads none.
 *
 * When that thread cannot go on, the process ends, and with it both mounts: a root that nobody
 * answers for would hold its callers for ever.
 */
#ifndef FAILCORE_FUSEFS_VIEW_SESSION_H
#define FAILCORE_FUSEFS_VIEW_SESSION_H

#include <stdatomic.h>

#include "fusefs/denials.h"
#include "shared/audit/producer.h"
#include "shared/base/failure.h"

/* All borrowed; they outlive the process's threads. */
struct view_session_options {
    struct audit_producer *audit;
    struct denials *denials;
    const atomic_bool *unrecorded; /* the log writer has gone */
    bool strict;                   /* the kernel remembers no refusal */
};

/* Takes both descriptors over; `names` is the tree's text form in a memory file. */
int view_session_start(int device, int names, const struct view_session_options *options,
                       struct failure *reterr);

#endif
