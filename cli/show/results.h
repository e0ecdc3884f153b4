/* What came of a decision: the RESULT and REPEAT records that name it, for `failcore show --seq N`.
 */
#ifndef FAILCORE_CLI_SHOW_RESULTS_H
#define FAILCORE_CLI_SHOW_RESULTS_H

#include "cli/log/log_view.h"
#include "cli/log/paint.h"

/* `run` and `seq`: of the decision, the record that was read last from `view`. Prints a line each.
 */
int results_print(const struct paint_box *box, struct log_view *view, const char *run, uint64_t seq,
                  struct failure *reterr);

#endif
