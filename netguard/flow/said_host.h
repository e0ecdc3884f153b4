/*
 * The host name that a client says in its first bytes, TLS or HTTP, in the one spelling that rules and
 * pins are compared with.
 *
 * Thread safety: no state.
 */
#ifndef FAILCORE_NETGUARD_FLOW_SAID_HOST_H
#define FAILCORE_NETGUARD_FLOW_SAID_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/str_view.h"

/*
 * `said` in small letters, NUL after it, to ret_host of `size` bytes. False, and ret_host of no
 * meaning: no name that a rule could spell, that is labels of 1 to 63 letters, digits, '-' and '_'
 * with a dot between them and none at the end (RFC 6066 section 3, RFC 1035 section 2.3.4), or too
 * long for ret_host.
 */
bool said_host(struct str_view said, char *ret_host, size_t size);

#endif
