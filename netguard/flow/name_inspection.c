#include "netguard/flow/name_inspection.h"

#include <string.h>

#include "netguard/flow/http_head.h"

static struct inspection refused(const char *reason)
{
    return (struct inspection){.state = INSPECTION_REFUSED, .reason = reason};
}

static struct inspection judge_hello(enum tls_exception ech, enum tls_exception no_sni,
                                     const struct client_hello *hello)
{
    struct inspection named = {.state = INSPECTION_NAMED,
                               .name_length = hello->server_name_length,
                               .judged_bytes = hello->wire_bytes};
    struct inspection unchecked = {.state = INSPECTION_UNCHECKED,
                                   .judged_bytes = hello->wire_bytes};

    if (hello->encrypted && ech == TLS_REFUSE) {
        return refused("the TLS hello hides its name (encrypted client hello)");
    }
    if (hello->encrypted && ech == TLS_ALLOW) {
        return unchecked;
    }
    if (hello->server_name_length == 0) {
        return no_sni == TLS_ALLOW ? unchecked : refused("the TLS hello names no server");
    }
    memcpy(named.name, hello->server_name, sizeof(named.name));
    return named;
}

static struct inspection inspect_tls(enum tls_exception ech, enum tls_exception no_sni,
                                     const uint8_t *bytes, size_t length)
{
    struct client_hello hello;

    switch (client_hello_read(bytes, length, &hello)) {
    case HELLO_BAD:
        return refused("the connection does not begin with a TLS hello");
    case HELLO_MORE:
        return (struct inspection){.state = INSPECTION_MORE};
    case HELLO_WHOLE:
        return judge_hello(ech, no_sni, &hello);
    }
    return refused("the connection does not begin with a TLS hello");
}

static struct inspection inspect_http(const uint8_t *bytes, size_t length)
{
    struct inspection named = {.state = INSPECTION_NAMED};
    struct http_head head;

    switch (http_head_read(bytes, length, &head)) {
    case HTTP_BAD:
        return refused("the connection does not begin with a plain HTTP request for one host");
    case HTTP_MORE:
        return (struct inspection){.state = INSPECTION_MORE};
    case HTTP_WHOLE:
        named.name_length = head.host_length;
        named.judged_bytes = head.wire_bytes;
        memcpy(named.name, head.host, sizeof(named.name));
        return named;
    }
    return refused("the connection does not begin with a plain HTTP request for one host");
}

struct inspection inspect_first_bytes(enum name_check check, enum tls_exception ech,
                                      enum tls_exception no_sni, const uint8_t *bytes,
                                      size_t length)
{
    if (check == NAME_CHECK_HTTP && !client_hello_looks_like_tls(bytes, length)) {
        return inspect_http(bytes, length);
    }
    return inspect_tls(ech, no_sni, bytes, length);
}
