/*
 * Address space that no agent reaches by name: the IANA special-purpose registries for IPv4 and
 * IPv6, multicast, and the metadata and internal services of the cloud providers.
 *
 * Sources: IANA iana-ipv4-special-registry and iana-ipv6-special-registry (RFC 6890 and updates),
 * RFC 5771, RFC 4291; providers' documentation for the metadata rows.
 * Only an address rule with allow_private: true opens one of these.
 */
#ifndef FAILCORE_POLICY_ADDRESS_RANGES_H
#define FAILCORE_POLICY_ADDRESS_RANGES_H

#include <stddef.h>

#include "shared/base/ip_address.h"

struct address_range {
    struct ip_prefix prefix;
    const char *text;   /* "169.254.0.0/16" */
    const char *label;  /* "link-local, cloud metadata" */
    const char *reason; /* both, for records */
};

/* All rows; the guard installs them as a kernel set. */
const struct address_range *address_ranges(size_t *ret_count);

/*
 * The most specific range that holds the address, or that holds the IPv4 address inside a mapped
 * (RFC 4291), compatible, NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380) or ISATAP
 * (RFC 5214) form. NULL: public. IP_NONE gives NULL.
 */
const struct address_range *address_range_find(const struct ip_address *address);

/* The IPv4 address inside a mapped, translated, compatible, NAT64, 6to4, Teredo or ISATAP form. */
bool address_embedded_v4(const struct ip_address *address, struct ip_address *ret_inner);

/* The address that rules are held against: the one inside the well-known NAT64 prefix
 * (64:ff9b::/96), else the address itself. */
struct ip_address address_judged(const struct ip_address *address);

#endif
