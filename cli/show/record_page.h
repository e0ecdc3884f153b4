/* One record with all that it says, for `failcore show --seq N`. */
#ifndef FAILCORE_CLI_SHOW_RECORD_PAGE_H
#define FAILCORE_CLI_SHOW_RECORD_PAGE_H

#include "cli/log/paint.h"
#include "shared/audit/record_reader.h"

void record_page_print(const struct paint_box *box, const struct audit_record *record);

#endif
