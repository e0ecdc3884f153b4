#include "shared/policy/glob_token.h"

#include <errno.h>

static unsigned char take_byte(struct str_view *rest)
{
    unsigned char byte = (unsigned char)rest->bytes[0];

    rest->bytes++;
    rest->length--;
    return byte;
}

/* One member of a class, escapes undone. False at the end of the text. */
static bool take_member(struct str_view *rest, unsigned char *ret_byte, bool *ret_escaped)
{
    *ret_escaped = false;
    if (rest->length > 0 && rest->bytes[0] == '\\') {
        take_byte(rest);
        *ret_escaped = true;
    }
    if (rest->length == 0) {
        return false;
    }
    *ret_byte = take_byte(rest);
    return true;
}

static int take_class(struct str_view *rest, struct byte_set *ret_set, const char **reterr_problem)
{
    struct byte_set set = {0};
    bool negated = false;
    bool first = true;

    if (rest->length > 0 && (rest->bytes[0] == '!' || rest->bytes[0] == '^')) {
        negated = true;
        take_byte(rest);
    }
    for (;;) {
        unsigned char from;
        unsigned char to;
        bool escaped;

        if (!take_member(rest, &from, &escaped)) {
            *reterr_problem = "a [ without its ]";
            return -EINVAL;
        }
        if (from == ']' && !escaped && !first) {
            break;
        }
        first = false;
        to = from;
        if (rest->length >= 2 && rest->bytes[0] == '-' && rest->bytes[1] != ']') {
            take_byte(rest);
            if (!take_member(rest, &to, &escaped)) {
                *reterr_problem = "a [ without its ]";
                return -EINVAL;
            }
        }
        if (from > to) {
            *reterr_problem = "a range in [ ] that runs backwards";
            return -EINVAL;
        }
        if (from >= 0x80 || to >= 0x80) {
            *reterr_problem = "a character outside ASCII in [ ]: classes are single bytes";
            return -EINVAL;
        }
        for (unsigned int byte = from; byte <= to; byte++) {
            byte_set_add(&set, byte);
        }
    }
    for (size_t i = 0; negated && i < 4; i++) {
        set.bits[i] = ~set.bits[i];
    }
    *ret_set = set;
    return 0;
}

int glob_token_next(struct str_view *rest, struct glob_token *ret_token,
                    const char **reterr_problem)
{
    struct glob_token token = {0};
    int error = 0;

    if (rest->length == 0) {
        return 0;
    }
    token.byte = take_byte(rest);
    switch (token.byte) {
    case '?':
        token.kind = GLOB_ANY_BYTE;
        break;
    case '*':
        token.kind = GLOB_STAR;
        break;
    case '[':
        token.kind = GLOB_CLASS;
        error = take_class(rest, &token.set, reterr_problem);
        break;
    case '\\':
        if (rest->length == 0) {
            *reterr_problem = "a \\ with nothing behind it";
            return -EINVAL;
        }
        token.byte = take_byte(rest);
        break;
    default:
        break;
    }
    if (error < 0) {
        return error;
    }
    *ret_token = token;
    return 1;
}
