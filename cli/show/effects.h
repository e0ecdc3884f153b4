/* What a run changed, for `failcore show --effects`. */
#ifndef FAILCORE_CLI_SHOW_EFFECTS_H
#define FAILCORE_CLI_SHOW_EFFECTS_H

#include "cli/log/log_view.h"
#include "cli/log/paint.h"

/* Reads the run of `view`; `json`: one object. */
int effects_print(const struct paint_box *box, struct log_view *view, bool json,
                  struct failure *reterr);

#endif
