/*
 * One type for IPv4 and IPv6 addresses and prefixes.
 *
 * An IPv4 address keeps its family; nothing here maps one family onto the other. What address is
 * hidden inside a mapped, NAT64, 6to4, Teredo or ISATAP form is shared/policy's question.
 */
#ifndef FAILCORE_BASE_IP_ADDRESS_H
#define FAILCORE_BASE_IP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip_address {
    enum ip_family family; /* IP_NONE: no address, bytes all zero */
    uint8_t bytes[16];     /* network order; the first 4 for IP_V4, the rest zero */
};

struct ip_prefix {
    struct ip_address address; /* host bits are zero */
    unsigned int length;       /* bits */
};

#define IP_ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN: longest text with its NUL */
#define IP_PREFIX_TEXT_MAX  50

struct ip_address ip_address_v4(const uint8_t bytes[static 4]);
struct ip_address ip_address_v6(const uint8_t bytes[static 16]);

/* RFC 4291 section 2.2 and dotted quads of exactly four decimal parts; no zone. -EINVAL else. */
int ip_address_parse(struct str_view text, struct ip_address *ret_address);
/* ADDRESS or ADDRESS/LENGTH; host bits set is -EDOM, anything else wrong -EINVAL. */
int ip_prefix_parse(struct str_view text, struct ip_prefix *ret_prefix);

/* RFC 5952; "" for IP_NONE. Returns `text`. */
const char *ip_address_format(const struct ip_address *address,
                              char text[static IP_ADDRESS_TEXT_MAX]);
const char *ip_prefix_format(const struct ip_prefix *prefix, char text[static IP_PREFIX_TEXT_MAX]);

bool ip_address_equals(const struct ip_address *a, const struct ip_address *b);
/* False across families. */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_address *address);
/* 32 or 128; 0 for IP_NONE. */
unsigned int ip_family_bits(enum ip_family family);

#endif
