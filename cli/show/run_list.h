/* Runs as lines and as headings. */
#ifndef FAILCORE_CLI_SHOW_RUN_LIST_H
#define FAILCORE_CLI_SHOW_RUN_LIST_H

#include "cli/log/paint.h"
#include "shared/audit/run_index.h"

/* Each run of the log on a line, the newest last; `json`: one object per line. */
void run_list_print(const struct paint_box *box, const struct run_index *index, bool json);

/* "run ID · policy NAME VERSION · 12.3 s", and an empty line. */
void run_heading_print(const struct paint_box *box, const struct run_entry *run);

#endif
