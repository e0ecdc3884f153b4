/*
 * Writing JSON straight into a fixed piece of memory. Passing its end sticks: the rest is dropped
 * and json_line_ok() is false.
 */
#ifndef FAILCORE_AUDIT_JSON_LINE_H
#define FAILCORE_AUDIT_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/str_view.h"

struct json_line {
    char *next;
    char *end;
    bool full;
};

static inline bool json_line_ok(const struct json_line *line)
{
    return !line->full;
}

static inline void json_line_raw(struct json_line *line, const char *bytes, size_t length)
{
    if (length > (size_t)(line->end - line->next)) {
        line->full = true;
        line->end = line->next;
        return;
    }
    memcpy(line->next, bytes, length);
    line->next += length;
}

#define json_line_literal(line, text) json_line_raw((line), (text), sizeof(text) - 1)

void json_line_u64(struct json_line *line, uint64_t value);
/* Exactly `digits` digits, leading zeros. */
void json_line_padded(struct json_line *line, uint64_t value, unsigned int digits);
/* Lower-case hexadecimal, no quotes. */
void json_line_hex(struct json_line *line, const void *bytes, size_t length);
/* In quotes. Escaped: quote, backslash, U+0000-001F, U+007F. A byte that is not UTF-8 becomes
 * U+FFFD; returns false when there was one. */
bool json_line_string(struct json_line *line, struct str_view text);

#endif
