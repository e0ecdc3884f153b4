/*
 * A growing text.
 *
 * The first failed allocation, or passing the limit, sticks: the text stays as it was and
 * text_buffer_error() tells. So a writer appends straight through and checks once.
 *
 * Ownership: release with text_buffer_clear(), or AUTO(text_buffer_clear).
 * Threads: one at a time.
 */
#ifndef FAILCORE_BASE_TEXT_BUFFER_H
#define FAILCORE_BASE_TEXT_BUFFER_H

#include <stddef.h>

#include "shared/base/str_view.h"

struct text_buffer {
    char *bytes;   /* always NUL-terminated once anything was appended */
    size_t length; /* without the NUL */
    size_t capacity;
    size_t limit; /* most bytes to hold; 0: no limit but memory */
    int error;    /* 0, -ENOMEM or -E2BIG */
};

/* Back to empty; the memory is released. */
void text_buffer_clear(struct text_buffer *text);
/* Back to empty; the memory is kept. */
void text_buffer_reset(struct text_buffer *text);

void text_buffer_append(struct text_buffer *text, struct str_view more);
void text_buffer_append_text(struct text_buffer *text, const char *more);
void text_buffer_append_char(struct text_buffer *text, char more);
__attribute__((format(printf, 2, 3))) void text_buffer_printf(struct text_buffer *text,
                                                              const char *format, ...);

/*
 * The view between quotes as one JSON string (RFC 8259 section 7). Escaped: quote, backslash,
 * U+0000-001F, U+007F. Each byte that is not UTF-8 becomes U+FFFD.
 */
void text_buffer_append_json_string(struct text_buffer *text, struct str_view value);

int text_buffer_error(const struct text_buffer *text);
/* Borrowed and NUL-terminated; "" when empty. */
const char *text_buffer_text(const struct text_buffer *text);
struct str_view text_buffer_view(const struct text_buffer *text);
/* Hands the memory over; NULL after an error. An empty text gives "". */
char *text_buffer_take(struct text_buffer *text);

#endif
