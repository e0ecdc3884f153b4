/*
 * HTTP heads. However a stream is cut, the verdict is the same; and a head that passes has exactly
 * one line that begins with "host:" in any case, which says what we read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "netguard/flow/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_hosts(const uint8_t *bytes, const struct http_head *head)
{
    size_t hosts = 0;

    for (size_t i = 1; i + 5 < head->wire_bytes; i++) {
        const char *here = (const char *)bytes + i;

        if (bytes[i - 1] == '\n' && strncasecmp(here, "host:", 5) == 0) {
            size_t at = i + 5;

            while (bytes[at] == ' ' || bytes[at] == '\t') {
                at++;
            }
            hosts += strncasecmp((const char *)bytes + at, head->host, head->host_length) == 0;
            hosts += 2;
        }
    }
    if (hosts != 3) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct http_head head, again;
    enum http_state state = http_head_read(bytes, length, &head);
    size_t step = length / 64 + 1;

    if (state == HTTP_WHOLE) {
        if (head.wire_bytes > length || head.wire_bytes < 4 ||
            memcmp(bytes + head.wire_bytes - 4, "\r\n\r\n", 4) != 0 || head.host_length == 0) {
            abort();
        }
        check_hosts(bytes, &head);
        length = head.wire_bytes;
    }
    for (size_t cut = 0; cut < length; cut += step) {
        enum http_state part = http_head_read(bytes, cut, &again);

        if (part == HTTP_WHOLE || (part == HTTP_BAD && state != HTTP_BAD)) {
            abort();
        }
    }
    return 0;
}
