/*
 * The report that every run leaves: AUDIT/reports/RUN.html.
 *
 * It is made by a program of its own that the run does not wait for: it begins when the run's end
 * and a signature over it are in the log, with low priority, and reads nothing but the log. When
 * it cannot be made, `failcore audit report RUN` makes the same at any time.
 */
#ifndef FAILCORE_CLI_REPORT_AFTER_RUN_H
#define FAILCORE_CLI_REPORT_AFTER_RUN_H

/*
 * The process that will make it, which waits until the returned descriptor is closed, or its holder
 * has ended: to copy a process takes a while, so do it when there is something to wait for anyway.
 * `audit`: the audit directory, NULL for the default one. -1: there will be no report.
 */
int report_call(const char *audit, const char *run);

#endif
