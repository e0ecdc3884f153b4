/*
 * Borrowed text: a pointer and a length, never owned, maybe without a NUL, maybe with bytes that
 * are not UTF-8. An absent text is {NULL, 0}.
 */
#ifndef FAILCORE_BASE_STR_VIEW_H
#define FAILCORE_BASE_STR_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str_view {
    const char *bytes;
    size_t length;
};

#define STR_VIEW_LITERAL(text) ((struct str_view){.bytes = (text), .length = sizeof(text) - 1})
/* For printf: printf("%.*s", STR_VIEW_PRINTF(view)). */
#define STR_VIEW_PRINTF(view) (int)(view).length, (view).bytes

/* NULL gives the absent text. */
static inline struct str_view str_view_from(const char *text)
{
    return (struct str_view){.bytes = text, .length = text == NULL ? 0 : strlen(text)};
}

static inline bool str_view_equals(struct str_view a, struct str_view b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline bool str_view_equals_text(struct str_view a, const char *text)
{
    return str_view_equals(a, str_view_from(text));
}

static inline bool str_view_starts_with(struct str_view text, struct str_view prefix)
{
    return text.length >= prefix.length &&
           (prefix.length == 0 || memcmp(text.bytes, prefix.bytes, prefix.length) == 0);
}

static inline bool str_view_ends_with(struct str_view text, struct str_view suffix)
{
    return text.length >= suffix.length &&
           (suffix.length == 0 ||
            memcmp(text.bytes + text.length - suffix.length, suffix.bytes, suffix.length) == 0);
}

#endif
