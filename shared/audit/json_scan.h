/*
 * The words of JSON as the log spells them: one spelling for each value, so that what is accepted
 * is exactly what a writer of ours writes.
 *
 *   string   valid UTF-8; escapes only \" \\ \b \f \n \r \t and, for the other control bytes,
 *            \u00xx in lower case (text_buffer_append_json_string() is the writer)
 *   number   RFC 8259 without exponents; counts are plain decimals without a leading zero
 *
 * A scan moves forward over a borrowed text. A function that returns false has read nothing that
 * counts: the scan is to be given up, and `at` is where it failed.
 */
#ifndef FAILCORE_AUDIT_JSON_SCAN_H
#define FAILCORE_AUDIT_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

/* A string as it stands between its quotes: not to be shown or compared before it is decoded. */
struct json_text {
    struct str_view escaped;
    bool has_escapes;
};

struct json_scan {
    const char *at;
    const char *end;
};

static inline struct json_scan json_scan_init(struct str_view text)
{
    return (struct json_scan){.at = text.bytes, .end = text.bytes + text.length};
}

static inline bool json_scan_char(struct json_scan *scan, char wanted)
{
    if (scan->at == scan->end || *scan->at != wanted) {
        return false;
    }
    scan->at++;
    return true;
}

bool json_scan_string(struct json_scan *scan, struct json_text *ret_text);
/* A string of printable ASCII without quote and backslash: what needs no decoding. */
bool json_scan_word(struct json_scan *scan, struct str_view *ret_word);
bool json_scan_count(struct json_scan *scan, uint64_t *ret_count);
/* Milliseconds with up to six decimals, as nanoseconds. */
bool json_scan_milliseconds(struct json_scan *scan, uint64_t *ret_ns);
/* Any value, nested at most JSON_SCAN_DEPTH_MAX deep; gives it as it stands. */
bool json_scan_value(struct json_scan *scan, struct str_view *ret_raw);
#define JSON_SCAN_DEPTH_MAX 16
/* The value of the first member of that name, as it stands. The scan is at an object's first
 * member; what comes behind the one that is found is not looked at. */
bool json_scan_member(struct json_scan *scan, const char *name, struct str_view *ret_raw);

/* Appends the text itself. */
void json_text_append(struct text_buffer *text, struct json_text value);
bool json_text_equals(struct json_text a, struct str_view b);

#endif
