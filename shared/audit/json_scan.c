#include "shared/audit/json_scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "shared/base/utf8.h"

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The highest bit of each byte that is zero; exact for the lowest such byte. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(0x01)) & ~word & EACH_BYTE(0x80);
}

/* Passes over bytes that stand for themselves, 16 or eight at a time. */
static const char *plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    while (end - at >= 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i special =
            _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)), /* 0x80 too */
                                      _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F))),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                      _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        const unsigned int found = (unsigned int)_mm_movemask_epi8(special);

        if (found != 0) {
            return at + __builtin_ctz(found);
        }
        at += 16;
    }
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - at >= 8) {
        uint64_t word;
        uint64_t special;

        memcpy(&word, at, sizeof(word));
        special = ((word - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80)) | (word & EACH_BYTE(0x80)) |
                  zero_bytes(word ^ EACH_BYTE('"')) | zero_bytes(word ^ EACH_BYTE('\\')) |
                  zero_bytes(word ^ EACH_BYTE(0x7F));
        if (special != 0) {
            return at + __builtin_ctzll(special) / 8;
        }
        at += 8;
    }
#endif
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7F && *at != '"' &&
           *at != '\\') {
        at++;
    }
    return at;
}

/* The value of the control byte behind "\u00", or -1: these two digits are not our spelling. */
static int unicode_escape(const char *digits)
{
    static const char hex[] = "0123456789abcdef";
    const char *low = memchr(hex, digits[1], 16);
    int value;

    if (low == NULL || (digits[0] != '0' && digits[0] != '1' && digits[0] != '7')) {
        return -1;
    }
    value = (digits[0] - '0') * 16 + (int)(low - hex);
    if (value >= 0x20 && value != 0x7F) {
        return -1;
    }
    /* These have a short form. */
    return value == '\b' || value == '\f' || value == '\n' || value == '\r' || value == '\t'
               ? -1
               : value;
}

/* Bytes of the escape at `at` (a backslash), 0 when it is none of ours; gives what it stands for.
 */
static size_t escape_length(const char *at, const char *end, char *ret_byte)
{
    int value;

    if (end - at < 2) {
        return 0;
    }
    switch (at[1]) {
    case '"':
    case '\\':
        *ret_byte = at[1];
        return 2;
    case 'b':
        *ret_byte = '\b';
        return 2;
    case 'f':
        *ret_byte = '\f';
        return 2;
    case 'n':
        *ret_byte = '\n';
        return 2;
    case 'r':
        *ret_byte = '\r';
        return 2;
    case 't':
        *ret_byte = '\t';
        return 2;
    case 'u':
        if (end - at < 6 || at[2] != '0' || at[3] != '0') {
            return 0;
        }
        value = unicode_escape(at + 4);
        *ret_byte = (char)value;
        return value < 0 ? 0 : 6;
    default:
        return 0;
    }
}

bool json_scan_string(struct json_scan *scan, struct json_text *ret_text)
{
    const char *start = scan->at + 1;
    bool has_escapes = false;

    if (!json_scan_char(scan, '"')) {
        return false;
    }
    for (;;) {
        size_t length;
        char byte;

        scan->at = plain_end(scan->at, scan->end);
        if (scan->at == scan->end) {
            return false;
        }
        if (*scan->at == '"') {
            break;
        }
        if (*scan->at == '\\') {
            length = escape_length(scan->at, scan->end, &byte);
            has_escapes = true;
        } else {
            length = (unsigned char)*scan->at < 0x80
                         ? 0
                         : utf8_sequence_length(scan->at, (size_t)(scan->end - scan->at));
        }
        if (length == 0) {
            return false;
        }
        scan->at += length;
    }
    *ret_text = (struct json_text){.escaped = {start, (size_t)(scan->at - start)},
                                   .has_escapes = has_escapes};
    scan->at++;
    return true;
}

bool json_scan_word(struct json_scan *scan, struct str_view *ret_word)
{
    const char *start = scan->at + 1;

    if (!json_scan_char(scan, '"')) {
        return false;
    }
    scan->at = plain_end(scan->at, scan->end);
    *ret_word = (struct str_view){.bytes = start, .length = (size_t)(scan->at - start)};
    return json_scan_char(scan, '"');
}

static bool is_digit(const struct json_scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

bool json_scan_count(struct json_scan *scan, uint64_t *ret_count)
{
    const char *start = scan->at;
    uint64_t count = 0;

    /* So many digits always fit. */
    while (scan->at - start < 19 && is_digit(scan)) {
        count = count * 10 + (uint64_t)(*scan->at++ - '0');
    }
    while (is_digit(scan)) {
        uint64_t digit = (uint64_t)(*scan->at - '0');

        if (__builtin_mul_overflow(count, 10U, &count) ||
            __builtin_add_overflow(count, digit, &count)) {
            return false;
        }
        scan->at++;
    }
    if (scan->at == start || (*start == '0' && scan->at - start > 1)) {
        return false;
    }
    *ret_count = count;
    return true;
}

bool json_scan_milliseconds(struct json_scan *scan, uint64_t *ret_ns)
{
    uint64_t whole;
    uint64_t fraction = 0;
    unsigned int digits = 0;

    if (!json_scan_count(scan, &whole) || whole > UINT64_MAX / 1000000U - 1) {
        return false;
    }
    if (json_scan_char(scan, '.')) {
        for (; is_digit(scan) && digits < 6; digits++) {
            fraction = fraction * 10 + (uint64_t)(*scan->at++ - '0');
        }
        if (digits == 0 || is_digit(scan)) {
            return false;
        }
    }
    for (; digits < 6; digits++) {
        fraction *= 10;
    }
    *ret_ns = whole * 1000000U + fraction;
    return true;
}

static bool scan_digits(struct json_scan *scan)
{
    const char *start = scan->at;

    while (is_digit(scan)) {
        scan->at++;
    }
    return scan->at > start;
}

static bool scan_number(struct json_scan *scan)
{
    (void)json_scan_char(scan, '-');
    if (!json_scan_char(scan, '0') && !scan_digits(scan)) {
        return false;
    }
    return !json_scan_char(scan, '.') || scan_digits(scan);
}

static bool scan_literal(struct json_scan *scan, struct str_view literal)
{
    struct str_view rest = {scan->at, (size_t)(scan->end - scan->at)};

    if (!str_view_starts_with(rest, literal)) {
        return false;
    }
    scan->at += literal.length;
    return true;
}

static bool scan_any(struct json_scan *scan, unsigned int depth);

static bool scan_items(struct json_scan *scan, char close, unsigned int depth)
{
    if (json_scan_char(scan, close)) {
        return true;
    }
    do {
        struct json_text name;

        if (close == '}' && (!json_scan_string(scan, &name) || !json_scan_char(scan, ':'))) {
            return false;
        }
        if (!scan_any(scan, depth)) {
            return false;
        }
    } while (json_scan_char(scan, ','));
    return json_scan_char(scan, close);
}

static bool scan_any(struct json_scan *scan, unsigned int depth)
{
    struct json_text text;

    if (scan->at == scan->end || depth == 0) {
        return false;
    }
    switch (*scan->at) {
    case '"':
        return json_scan_string(scan, &text);
    case '{':
        scan->at++;
        return scan_items(scan, '}', depth - 1);
    case '[':
        scan->at++;
        return scan_items(scan, ']', depth - 1);
    case 't':
        return scan_literal(scan, STR_VIEW_LITERAL("true"));
    case 'f':
        return scan_literal(scan, STR_VIEW_LITERAL("false"));
    case 'n':
        return scan_literal(scan, STR_VIEW_LITERAL("null"));
    default:
        return scan_number(scan);
    }
}

bool json_scan_value(struct json_scan *scan, struct str_view *ret_raw)
{
    const char *start = scan->at;

    if (!scan_any(scan, JSON_SCAN_DEPTH_MAX + 1)) {
        return false;
    }
    *ret_raw = (struct str_view){.bytes = start, .length = (size_t)(scan->at - start)};
    return true;
}

bool json_scan_member(struct json_scan *scan, const char *name, struct str_view *ret_raw)
{
    do {
        struct json_text found;
        struct str_view raw;

        if (!json_scan_string(scan, &found) || !json_scan_char(scan, ':') ||
            !json_scan_value(scan, &raw)) {
            return false;
        }
        if (json_text_equals(found, str_view_from(name))) {
            *ret_raw = raw;
            return true;
        }
    } while (json_scan_char(scan, ','));
    return false;
}

void json_text_append(struct text_buffer *text, struct json_text value)
{
    const char *at = value.escaped.bytes;
    const char *end = at + value.escaped.length;

    while (value.has_escapes && at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t length;
        char byte;

        if (backslash == NULL) {
            break;
        }
        text_buffer_append(text,
                           (struct str_view){.bytes = at, .length = (size_t)(backslash - at)});
        length = escape_length(backslash, end, &byte);
        if (length == 0) { /* not a text that json_scan_string() gave */
            return;
        }
        text_buffer_append_char(text, byte);
        at = backslash + length;
    }
    if (at < end) {
        text_buffer_append(text, (struct str_view){.bytes = at, .length = (size_t)(end - at)});
    }
}

bool json_text_equals(struct json_text a, struct str_view b)
{
    const char *at = a.escaped.bytes;
    const char *end = at + a.escaped.length;

    if (!a.has_escapes) {
        return str_view_equals(a.escaped, b);
    }
    for (size_t i = 0; i < b.length; i++) {
        size_t length = 1;
        char byte;

        if (at == end) {
            return false;
        }
        byte = *at;
        if (byte == '\\' && (length = escape_length(at, end, &byte)) == 0) {
            return false;
        }
        if (byte != b.bytes[i]) {
            return false;
        }
        at += length;
    }
    return at == end;
}
