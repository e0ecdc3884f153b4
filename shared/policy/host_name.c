#include "shared/policy/host_name.h"

static bool is_label_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Resolvers take 2130706433, 0x7f.1 and 017700000001 for addresses: the last label tells. */
static bool is_number(struct str_view label)
{
    size_t i = 0;
    bool hexadecimal = label.length >= 2 && label.bytes[0] == '0' && label.bytes[1] == 'x';

    for (i = hexadecimal ? 2 : 0; i < label.length; i++) {
        char c = label.bytes[i];

        if (!((c >= '0' && c <= '9') || (hexadecimal && c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return true;
}

bool host_name_fold(struct str_view name, char ret_text[static HOST_NAME_TEXT_MAX],
                    struct str_view *ret_name)
{
    size_t label = 0; /* where it begins */

    if (name.length > 0 && name.bytes[name.length - 1] == '.') {
        name.length--;
    }
    if (name.length == 0 || name.length >= HOST_NAME_TEXT_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        char c = lower(name.bytes[i]);

        if (c == '.') {
            if (i == label || i - label > 63) {
                return false;
            }
            label = i + 1;
        } else if (!is_label_byte(c)) {
            return false;
        }
        ret_text[i] = c;
    }
    if (name.length == label || name.length - label > 63) {
        return false;
    }
    ret_text[name.length] = '\0';
    *ret_name = (struct str_view){.bytes = ret_text, .length = name.length};
    return !is_number((struct str_view){.bytes = ret_text + label, .length = name.length - label});
}

bool host_name_is_dotted(struct str_view folded)
{
    return folded.length > 0 && memchr(folded.bytes, '.', folded.length) != NULL;
}

const char *host_pattern_parse(struct str_view pattern, char text[static HOST_NAME_TEXT_MAX],
                               struct host_pattern *ret_pattern)
{
    struct host_pattern parsed = {0};

    if (str_view_equals_text(pattern, "*")) {
        *ret_pattern = (struct host_pattern){.kind = HOST_ANY};
        return NULL;
    }
    if (str_view_starts_with(pattern, STR_VIEW_LITERAL("*."))) {
        parsed.kind = HOST_SUBDOMAINS;
        pattern.bytes += 2;
        pattern.length -= 2;
    }
    if (pattern.length > 0 && memchr(pattern.bytes, '*', pattern.length) != NULL) {
        return "a * that is not the first label";
    }
    if (pattern.length > 0 && memchr(pattern.bytes, '/', pattern.length) != NULL) {
        return "a URL or an address range, not a host name";
    }
    if (pattern.length > 0 && memchr(pattern.bytes, ':', pattern.length) != NULL) {
        return "a port or an IPv6 address, not a host name";
    }
    if (!host_name_fold(pattern, text, &parsed.name)) {
        return "not a host name";
    }
    *ret_pattern = parsed;
    return NULL;
}
