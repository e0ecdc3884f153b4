/* Which records a person asked for: all conditions hold, an unset one always does. */
#ifndef FAILCORE_CLI_LOG_RECORD_FILTER_H
#define FAILCORE_CLI_LOG_RECORD_FILTER_H

#include "shared/audit/record_reader.h"

struct record_filter {
    bool blocked_only;
    const char *path; /* this path or below it; with * ? or [ a pattern over the whole path */
    const char *host; /* this host, a subdomain of it, or this address */
    int64_t since_ns; /* INT64_MIN: unset */
};

bool record_filter_passes(const struct record_filter *filter, const struct audit_record *record);

/*
 * "10m", "2h", "3d" before now; "HH:MM[:SS]" today; "YYYY-MM-DD", with "THH:MM[:SS]" or " HH:MM",
 * in local time, in UTC with a final Z. -EINVAL for other texts.
 */
int since_parse(const char *text, int64_t now_ns, int64_t *ret_ns);

#endif
