/*
 * A record without what differs each time the same thing is done: no clock, no process number, no
 * address that a name stood for, no number in the log. What is left is what was asked, by which
 * program, what was decided, by which rule, and how it ended.
 */
#ifndef FAILCORE_CLI_NORMALIZE_PLAIN_ROW_H
#define FAILCORE_CLI_NORMALIZE_PLAIN_ROW_H

#include "cli/log/outcomes.h"

/* The record is a row of its own: a request, or what the run says about itself. Results are in the
 * row of their request. */
bool plain_row_is_wanted(const struct audit_record *record);

/*
 * How often depends on the time, too: the log folds it (docs/audit-format.md), the kernel's caches
 * answer it, a resolver asks again. Such a row says that it happened, not how often.
 */
bool plain_row_is_folded(const struct audit_record *record);

/* Appends JSON members, `"program":…,"source":…`, without braces. Strings as the log spells them.
 */
void plain_row_append(struct text_buffer *text, const struct audit_record *record,
                      const struct outcomes *outcomes);

#endif
