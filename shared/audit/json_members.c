#include "shared/audit/json_members.h"

#include <stddef.h>

#include "shared/base/utf8.h"

struct scan {
    const char *next;
    const char *end;
    bool is_call; /* the members of a call: some names are the writer's */
};

static bool scan_value(struct scan *scan, unsigned int depth);

static bool take(struct scan *scan, char wanted)
{
    if (scan->next == scan->end || *scan->next != wanted) {
        return false;
    }
    scan->next++;
    return true;
}

/* "00" to "1f" and "7f", without those that have a short form: as json_scan.c reads them. */
static bool is_escaped_byte(const char *digits)
{
    if (digits[0] == '0') {
        return digits[1] != '\0' && strchr("01234567bef", digits[1]) != NULL;
    }
    return digits[0] == '1'
               ? (digits[1] >= '0' && digits[1] <= '9') || (digits[1] >= 'a' && digits[1] <= 'f')
               : digits[0] == '7' && digits[1] == 'f';
}

/* The one form of escaping that json_line_string() writes. */
static bool scan_escape(struct scan *scan)
{
    char c;

    if (scan->next == scan->end) {
        return false;
    }
    c = *scan->next++;
    if (c != 'u') {
        return c != '\0' && strchr("\"\\bfnrt", c) != NULL;
    }
    if (scan->end - scan->next < 4 || scan->next[0] != '0' || scan->next[1] != '0' ||
        !is_escaped_byte(scan->next + 2)) {
        return false;
    }
    scan->next += 4;
    return true;
}

static bool scan_string(struct scan *scan)
{
    if (!take(scan, '"')) {
        return false;
    }
    while (scan->next < scan->end) {
        unsigned char c = (unsigned char)*scan->next;
        size_t length;

        if (c == '"') {
            scan->next++;
            return true;
        }
        if (c == '\\') {
            scan->next++;
            if (!scan_escape(scan)) {
                return false;
            }
            continue;
        }
        if (c >= 0x20 && c < 0x7f) {
            scan->next++;
            continue;
        }
        length = utf8_sequence_length(scan->next, (size_t)(scan->end - scan->next));
        if (length < 2) {
            return false; /* a bare control byte, or no UTF-8 */
        }
        scan->next += length;
    }
    return false;
}

static bool scan_digits(struct scan *scan)
{
    const char *begin = scan->next;

    while (scan->next < scan->end && *scan->next >= '0' && *scan->next <= '9') {
        scan->next++;
    }
    return scan->next > begin;
}

/* Integers and plain decimals; no exponents: nothing of ours writes them. */
static bool scan_number(struct scan *scan)
{
    take(scan, '-');
    if (!take(scan, '0') && !scan_digits(scan)) {
        return false;
    }
    return !take(scan, '.') || scan_digits(scan);
}

static bool scan_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(scan->end - scan->next) < length || memcmp(scan->next, word, length) != 0) {
        return false;
    }
    scan->next += length;
    return true;
}

static bool scan_array(struct scan *scan, unsigned int depth)
{
    if (!take(scan, '[')) {
        return false;
    }
    if (take(scan, ']')) {
        return true;
    }
    do {
        if (!scan_value(scan, depth + 1)) {
            return false;
        }
    } while (take(scan, ','));
    return take(scan, ']');
}

/* Keys of one object; more than this many is no record of ours. */
#define KEYS_MAX 256

struct key_set {
    struct str_view key[KEYS_MAX];
    size_t count;
};

static bool key_set_add(struct key_set *set, struct str_view key)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_view_equals(set->key[i], key)) {
            return false;
        }
    }
    if (set->count == KEYS_MAX) {
        return false;
    }
    set->key[set->count++] = key;
    return true;
}

static bool scan_key(struct scan *scan, struct str_view *ret_key)
{
    const char *begin = scan->next;

    if (!scan_string(scan)) {
        return false;
    }
    *ret_key = (struct str_view){.bytes = begin + 1, .length = (size_t)(scan->next - begin) - 2};
    return take(scan, ':');
}

/* What the writer puts around the members of a call: a second one of the name would make the line
 * one that no reader takes. */
static bool is_reserved(struct str_view key)
{
    static const char *const names[] = {"tool", "op", "args_hash", "result_hash"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_view_equals_text(key, names[i])) {
            return true;
        }
    }
    return false;
}

static bool scan_members(struct scan *scan, unsigned int depth)
{
    struct key_set set;
    struct str_view key;

    set.count = 0;
    do {
        if (!scan_key(scan, &key) || !key_set_add(&set, key) ||
            (scan->is_call && depth == 1 && is_reserved(key)) || !scan_value(scan, depth + 1)) {
            return false;
        }
    } while (take(scan, ','));
    return true;
}

static bool scan_object(struct scan *scan, unsigned int depth)
{
    return take(scan, '{') && (take(scan, '}') || (scan_members(scan, depth) && take(scan, '}')));
}

static bool scan_value(struct scan *scan, unsigned int depth)
{
    if (depth > JSON_DEPTH_MAX || scan->next == scan->end) {
        return false;
    }
    switch (*scan->next) {
    case '{':
        return scan_object(scan, depth);
    case '[':
        return scan_array(scan, depth);
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    default:
        return scan_number(scan);
    }
}

bool json_members_are_sound(struct str_view members)
{
    struct scan scan = {.next = members.bytes, .is_call = true};

    if (members.length == 0) {
        return true; /* there may be no bytes at all */
    }
    scan.end = members.bytes + members.length;
    return scan_members(&scan, 1) && scan.next == scan.end;
}

bool json_object_is_sound(struct str_view object)
{
    struct scan scan = {.next = object.bytes, .end = object.bytes + object.length};

    return object.length > 0 && scan_object(&scan, 0) && scan.next == scan.end;
}

/* The end of a value in text that is sound (or cut at a member's end): brackets and strings. */
static const char *value_end(const char *next, const char *end)
{
    unsigned int depth = 0;
    bool in_string = false;

    for (; next < end; next++) {
        if (in_string) {
            if (*next == '\\' && next + 1 < end) {
                next++;
            } else if (*next == '"') {
                in_string = false;
            }
        } else if (*next == '"') {
            in_string = true;
        } else if (*next == '{' || *next == '[') {
            depth++;
        } else if (*next == '}' || *next == ']') {
            if (depth == 0) {
                break;
            }
            depth--;
        } else if (*next == ',' && depth == 0) {
            break;
        }
    }
    return next;
}

bool json_members_next(struct str_view *rest, struct str_view *ret_key, struct str_view *ret_value)
{
    struct scan scan = {.next = rest->bytes, .end = rest->bytes + rest->length};
    const char *key = scan.next;
    const char *key_end;

    if (rest->length == 0 || !scan_string(&scan)) {
        return false;
    }
    key_end = scan.next;
    if (!take(&scan, ':')) {
        return false;
    }
    *ret_key = (struct str_view){.bytes = key + 1, .length = (size_t)(key_end - key) - 2};
    *ret_value = (struct str_view){.bytes = scan.next};
    scan.next = value_end(scan.next, scan.end);
    ret_value->length = (size_t)(scan.next - ret_value->bytes);
    take(&scan, ',');
    *rest = (struct str_view){.bytes = scan.next, .length = (size_t)(scan.end - scan.next)};
    return true;
}
