/*
 * The first message of a TLS connection, read for the name in it (RFC 8446 section 4.1.2, RFC 6066
 * section 3, RFC 9849 for the encrypted one).
 *
 * Works on what has arrived so far, however it was cut into records and segments. What is not a
 * well-formed ClientHello is bad as soon as that can be told: the guard holds it, so nothing of it
 * has left.
 */
#ifndef FAILCORE_NETGUARD_FLOW_CLIENT_HELLO_H
#define FAILCORE_NETGUARD_FLOW_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/policy/host_name.h"

#define CLIENT_HELLO_MAX 16384U /* handshake bytes; post-quantum hellos have about 1,900 */

enum hello_state {
    HELLO_BAD = 0, /* no well-formed ClientHello begins here */
    HELLO_MORE,    /* it may become one */
    HELLO_WHOLE,
};

struct client_hello {
    char server_name[HOST_NAME_TEXT_MAX]; /* lower case; "" when there is none */
    size_t server_name_length;
    bool encrypted;    /* carries an encrypted inner hello (or pretends to) */
    size_t wire_bytes; /* of the stream, up to the end of its last record */
};

/* *ret_hello is set for HELLO_WHOLE only. */
enum hello_state client_hello_read(const uint8_t *bytes, size_t length,
                                   struct client_hello *ret_hello);

/* Whether the first bytes can only be TLS: a handshake record of version 3. */
bool client_hello_looks_like_tls(const uint8_t *bytes, size_t length);

#endif
