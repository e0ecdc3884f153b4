/*
 * TLS hellos. However a stream is cut, the verdict is the same: no beginning of a whole hello is
 * bad, what follows it changes nothing, and what was bad once stays bad.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/flow/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct client_hello hello, again;
    enum hello_state state = client_hello_read(bytes, length, &hello);
    size_t step = length / 64 + 1;

    if (state == HELLO_WHOLE) {
        if (hello.wire_bytes > length || strlen(hello.server_name) != hello.server_name_length ||
            strspn(hello.server_name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
                hello.server_name_length ||
            !client_hello_looks_like_tls(bytes, length)) {
            abort();
        }
        if (client_hello_read(bytes, hello.wire_bytes, &again) != HELLO_WHOLE ||
            strcmp(again.server_name, hello.server_name) != 0) {
            abort();
        }
        length = hello.wire_bytes;
    }
    for (size_t cut = 0; cut < length; cut += step) {
        enum hello_state part = client_hello_read(bytes, cut, &again);

        if (part == HELLO_WHOLE || (part == HELLO_BAD && state != HELLO_BAD)) {
            abort();
        }
    }
    return 0;
}
