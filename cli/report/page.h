/*
 * The whole report: one file of HTML that needs nothing else. Its Content-Security-Policy allows
 * its own style and script by their digests, and nothing besides; no request leaves the page.
 */
#ifndef FAILCORE_CLI_REPORT_PAGE_H
#define FAILCORE_CLI_REPORT_PAGE_H

#include "cli/log/log_view.h"

/* Appends the page about view->run. */
int report_page(struct log_view *view, struct text_buffer *html, struct failure *reterr);

#endif
