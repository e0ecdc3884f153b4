/*
 * Host names as rules and requests hold them: lower case, no final dot, IDNA A-labels.
 */
#ifndef FAILCORE_POLICY_HOST_NAME_H
#define FAILCORE_POLICY_HOST_NAME_H

#include <stdbool.h>

#include "shared/base/str_view.h"

#define HOST_NAME_TEXT_MAX 254 /* RFC 1035: 253 bytes and a NUL */

/*
 * Folds case and drops one final dot. False for what is no host name: empty labels, labels over
 * 63 bytes, names over 253, bytes other than letters, digits, - and _, and IP addresses in any
 * notation that a resolver would take for a number (a last label of digits or 0x…).
 */
bool host_name_fold(struct str_view name, char ret_text[static HOST_NAME_TEXT_MAX],
                    struct str_view *ret_name);

/* Has a dot, so that it could be public. */
bool host_name_is_dotted(struct str_view folded);

enum host_pattern_kind { HOST_EXACT = 0, HOST_SUBDOMAINS, HOST_ANY };

struct host_pattern {
    enum host_pattern_kind kind;
    struct str_view name; /* of HOST_SUBDOMAINS: without "*." */
};

/*
 * "api.example.org", "*.example.org", "*". `text` is room for the name. NULL, or a sentence that
 * says what is wrong with it.
 */
const char *host_pattern_parse(struct str_view pattern, char text[static HOST_NAME_TEXT_MAX],
                               struct host_pattern *ret_pattern);

#endif
