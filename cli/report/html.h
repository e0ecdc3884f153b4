/*
 * Pieces of HTML. Our own words go in as they are; everything else through html_text() or, when a
 * view has already made it inert, html_inert().
 */
#ifndef FAILCORE_CLI_REPORT_HTML_H
#define FAILCORE_CLI_REPORT_HTML_H

#include "shared/audit/json_scan.h"
#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

/* The workload's bytes, in an element or a quoted attribute; at most `columns` of them. */
void html_text(struct text_buffer *html, struct str_view value, size_t columns);
/* Text that inert_text has seen: only markup is left to escape. */
void html_inert(struct text_buffer *html, struct str_view value);
void html_json_text(struct text_buffer *html, struct json_text value);

/* "<td class="number">1,234</td>"; `name` is what narrow screens put before it. */
void html_number_cell(struct text_buffer *html, const char *name, uint64_t number);
/* "1,234" */
void html_number(struct text_buffer *html, uint64_t number);

/* "2026-11-20 10:30:00 UTC" */
void html_time(struct text_buffer *html, int64_t ns);

#define HTML_COLUMNS_MOST 300 /* of one text; the log has the rest */

#endif
