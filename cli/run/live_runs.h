/*
 * The runs of this user that live now, as `failcore ps | stop | kill` see them. What a supervisor
 * left behind when it was killed is cleared away on the way.
 *
 * Errors: negative errno, with *reterr filled.
 */
#ifndef FAILCORE_CLI_RUN_LIVE_RUNS_H
#define FAILCORE_CLI_RUN_LIVE_RUNS_H

#include "shared/base/failure.h"
#include "shared/base/text_buffer.h"

#define LIVE_RUN_NAME_MAX 256 /* NAME_MAX and its NUL */

struct live_run {
    char id[LIVE_RUN_NAME_MAX];
    char name[LIVE_RUN_NAME_MAX];   /* "" without */
    int pid;                        /* the supervisor's */
    long long started;              /* seconds since 1970 */
    struct text_buffer description; /* the JSON object, without a newline */
    struct text_buffer breaker;     /* likewise, of a breaker that has tripped; else empty */
};
void live_run_clear(struct live_run *run);

/* Calls for each, oldest first; stops when it returns non-zero. */
int live_runs_each(int (*visit)(void *context, const struct live_run *run), void *context,
                   struct failure *reterr);

/* By id, by name, or by the beginning of an id that only one has. -ENOENT, -ENOTUNIQ. */
int live_run_find(const char *word, struct live_run *ret_run, struct failure *reterr);

/* After its breaker has tripped. */
int live_run_resume(const struct live_run *run, struct failure *reterr);

/* Sends "stop" or "kill" and waits for the end of the run: of its processes, and a little longer
 * for that of its log. A supervisor that does not answer in time is killed, which ends the run as
 * well. */
int live_run_end(const struct live_run *run, const char *word, int timeout_ms,
                 struct failure *reterr);

#endif
