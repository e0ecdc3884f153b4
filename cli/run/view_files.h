/* The few files of /etc that a run gets written for it: accounts, names, the resolver. */
#ifndef FAILCORE_CLI_RUN_VIEW_FILES_H
#define FAILCORE_CLI_RUN_VIEW_FILES_H

#include "cli/run/plan.h"
#include "shared/base/failure.h"

#define VIEW_HOST_NAME "failcore"

/* All of VIEW_WRITTEN_TABLE, in `directory`. `resolver`: view.h. */
int view_files_write(int directory, const struct run_plan *plan, const char *resolver,
                     struct failure *reterr);

#endif
