/* --status-fd: JSON lines for whoever wraps failcore, so that the command's exit and ours are never
 * confused. A reader that went away is no error. */
#ifndef FAILCORE_CLI_RUN_STATUS_LINES_H
#define FAILCORE_CLI_RUN_STATUS_LINES_H

#include "cli/run/records.h"
#include "shared/breaker/breaker.h"

/* {"event":"started","run":"...","pid":N,"audit":"DIR"} */
void status_line_started(int fd, const struct run_plan *plan, const char *audit_directory);
/* {"event":"counts","run":"...","decisions":N,"blocked":N,"logged":N,"failed":N,"limited":N,
 * "lost":N,"output_bytes":N}: what the log holds of the run, which is whole when it has ended.
 * Where it cannot be read there is no such line. */
void status_line_counts(int fd, const struct run_plan *plan, const struct run_result *result);
/* {"event":"exit","run":"...","exit":N,"cause":"...","signal":N} */
void status_line_exit(int fd, const struct run_plan *plan, const struct run_result *result);
/* `state` is "tripped" or "resumed". */
void status_line_breaker(int fd, const struct run_plan *plan, const char *state,
                         const struct breaker_trip *trip);

#endif
