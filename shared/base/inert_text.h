/*
 * Text that the workload chose, made safe to look at (SECURITY-RULES SR30). The one renderer:
 * whatever a person sees in a terminal or a browser goes through here.
 *
 * What cannot be seen, or acts instead of showing, is shown by name: C0, DEL and C1 controls,
 * bidirectional and zero-width characters, separators and tags, bytes that are not UTF-8. A
 * backslash is doubled, so that no two different texts look the same:
 *
 *     newline \n   escape \x1b   byte FF \xff   U+202E \u{202e}   backslash \\
 *
 * In INERT_HTML the five characters of markup become character references besides; the result is
 * safe in an element and in a quoted attribute.
 *
 * INERT_JSON is for a whole JSON text that goes to a terminal: what cannot be seen becomes the
 * JSON escape of the same character, all else stands as it is.
 *
 * Widths are in terminal columns: 2 for East Asian wide characters and emoji, else 1.
 */
#ifndef FAILCORE_BASE_INERT_TEXT_H
#define FAILCORE_BASE_INERT_TEXT_H

#include <stddef.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

enum inert_medium { INERT_HTML = 0, INERT_TERMINAL, INERT_JSON };

void inert_text_append(struct text_buffer *text, struct str_view value, enum inert_medium medium);

/*
 * The same in at most `columns` columns: what does not fit is taken from the middle, where "…"
 * stands then, because a path says most at its ends. Returns the columns used.
 */
size_t inert_text_append_cut(struct text_buffer *text, struct str_view value, size_t columns,
                             enum inert_medium medium);

#endif
