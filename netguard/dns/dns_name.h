/*
 * A domain name (RFC 1035 section 3.1) that is also a host name: labels of letters, digits, hyphen
 * and underscore. Anything else is refused, so that a name has one spelling in a message, in a
 * rule and in a record, and no label can pretend to be two.
 */
#ifndef FAILCORE_NETGUARD_DNS_DNS_NAME_H
#define FAILCORE_NETGUARD_DNS_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/byte_reader.h"
#include "shared/base/str_view.h"

#define DNS_HEADER_BYTES  12U /* in front of every message's first name */
#define DNS_NAME_WIRE_MAX 255
#define DNS_NAME_TEXT_MAX 254

struct dns_name {
    uint8_t wire[DNS_NAME_WIRE_MAX]; /* uncompressed, with the root label */
    uint8_t length;                  /* of `wire`; 0: no name, 1: the root */
};

/*
 * Reads a name at the reader's offset; `reader` must have begun at the message's first byte.
 * Pointers (RFC 1035 section 4.1.4) lead strictly backwards, never into the header, and are
 * followed at most 64 times; with `compressed` false there may be none. 0, or -EBADMSG.
 */
int dns_name_read(struct byte_reader *reader, bool compressed, struct dns_name *ret_name);
/* Steps over any name, whatever bytes its labels hold: for records that nobody looks at. */
int dns_name_skip(struct byte_reader *reader);

/* Whether the bytes, from another process, are a name (or no name at all, length 0). */
bool dns_name_is_sound(const struct dns_name *name);

/* Lower case, dots between the labels, no final dot; "" for the root. NUL-terminated. */
struct str_view dns_name_text(const struct dns_name *name, char text[static DNS_NAME_TEXT_MAX + 1]);

/* Without regard to case (RFC 4343). */
bool dns_name_equals(const struct dns_name *a, const struct dns_name *b);

#endif
