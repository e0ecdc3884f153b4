/*
 * Where live runs are known: /run/failcore (root), $XDG_RUNTIME_DIR/failcore or, without one, a
 * private directory of this user under /tmp. Each is 0700, so runs of different users do not see
 * each other.
 *
 *   runs/ID/run.json     what `failcore ps` shows
 *   runs/ID/control      the supervisor's socket
 */
#ifndef FAILCORE_CLI_RUN_RUNTIME_DIRECTORY_H
#define FAILCORE_CLI_RUN_RUNTIME_DIRECTORY_H

#include <limits.h>

#include "shared/base/failure.h"

/* Its path, made or not. */
int runtime_directory_path(char ret_path[static PATH_MAX], struct failure *reterr);

/* Made when missing; refused when it is not this user's alone. The caller owns the descriptor. */
int runtime_directory_open(struct failure *reterr);

/* Makes runs/ID; -EEXIST. The caller owns the descriptor. */
int runtime_directory_add_run(int runtime, const char *id);
void runtime_directory_remove_run(int runtime, const char *id);

#endif
