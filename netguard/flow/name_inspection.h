/*
 * What the first bytes of a connection say about the name it is for.
 *
 * On any port, what looks like TLS is read as TLS; otherwise the rule's name_check says what the
 * bytes must be (SECURITY-RULES SR27).
 */
#ifndef FAILCORE_NETGUARD_FLOW_NAME_INSPECTION_H
#define FAILCORE_NETGUARD_FLOW_NAME_INSPECTION_H

#include "netguard/flow/client_hello.h"
#include "shared/policy/policy.h"

enum inspection_state {
    INSPECTION_REFUSED = 0, /* `reason` says why */
    INSPECTION_MORE,
    INSPECTION_NAMED,     /* `name` must be one that was pinned and is allowed */
    INSPECTION_UNCHECKED, /* the policy lets this pass without a name */
};

struct inspection {
    enum inspection_state state;
    char name[HOST_NAME_TEXT_MAX];
    size_t name_length;
    size_t judged_bytes;
    const char *reason; /* static */
};

/* `check` is NAME_CHECK_TLS or NAME_CHECK_HTTP. */
struct inspection inspect_first_bytes(enum name_check check, enum tls_exception ech,
                                      enum tls_exception no_sni, const uint8_t *bytes,
                                      size_t length);

#endif
