/* What every START record of a run says, so that launchers agree. */
#ifndef FAILCORE_AUDIT_START_RECORD_H
#define FAILCORE_AUDIT_START_RECORD_H

#include "shared/audit/producer.h"
#include "shared/base/text_buffer.h"

/*
 * Emits kind START, source RUN, operation "start": the launcher's uid, gid and pid, host, kernel
 * and failcore's version; then `members` (may be absent): JSON members of the caller's, whose keys
 * are not those, made with text_buffer_append_json_string(). It goes to the
 * disk at once: audit_producer_await() waits for it, before the first effect of the run.
 * -EINVAL: the members are not sound; -E2BIG: longer than EVENT_BODY_MAX; others as audit_emit().
 */
int audit_emit_start(struct audit_producer *producer, struct str_view members);

#endif
