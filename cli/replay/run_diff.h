/* failcore replay diff A B: which requests two runs made, and how each was decided. */
#ifndef FAILCORE_CLI_REPLAY_RUN_DIFF_H
#define FAILCORE_CLI_REPLAY_RUN_DIFF_H

#include "cli/log/paint.h"
#include "shared/base/failure.h"

/* 0 the same, 1 different, negative errno. Compares kinds of requests, not how often or when. */
int run_diff(const struct paint_box *box, const char *audit, const char *first, const char *second,
             bool json, struct failure *reterr);

#endif
