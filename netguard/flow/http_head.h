/*
 * The head of the first HTTP/1 request on a connection, read for its Host (RFC 9112).
 *
 * Strict where servers differ: one Host, no folded lines, no bare line feeds, no other bytes than a
 * field may hold; an absolute target must name the same host. Later requests on the connection are
 * not looked at (SECURITY-RULES SR27 says so, and so does docs/policy-reference.md).
 */
#ifndef FAILCORE_NETGUARD_FLOW_HTTP_HEAD_H
#define FAILCORE_NETGUARD_FLOW_HTTP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "shared/policy/host_name.h"

enum http_state {
    HTTP_BAD = 0, /* no request that may pass begins here */
    HTTP_MORE,
    HTTP_WHOLE,
};

struct http_head {
    char host[HOST_NAME_TEXT_MAX]; /* lower case, without the port */
    size_t host_length;
    size_t wire_bytes; /* with the empty line */
};

enum http_state http_head_read(const uint8_t *bytes, size_t length, struct http_head *ret_head);

#endif
