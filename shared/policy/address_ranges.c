#include "shared/policy/address_ranges.h"

#include <string.h>

#define V4(a, b, c, d)                                                                             \
    {                                                                                              \
        .family = IP_V4, .bytes = {(a), (b), (c), (d) }                                            \
    }
#define V6(...)                                                                                    \
    {                                                                                              \
        .family = IP_V6, .bytes = { __VA_ARGS__ }                                                  \
    }
#define ROW(address_, length_, text_, label_)                                                      \
    {                                                                                              \
        .prefix = {.address = address_, .length = (length_)}, .text = text_, .label = label_,      \
        .reason = text_ ": " label_                                                                \
    }

/*
 * IANA registries of 2025-10-09 and what cloud providers document. The well-known NAT64 prefix is
 * no row: its addresses are judged by the IPv4 address inside.
 */
static const struct address_range ranges[] = {
    ROW(V4(0, 0, 0, 0), 8, "0.0.0.0/8", "this host on this network (RFC 791)"),
    ROW(V4(10, 0, 0, 0), 8, "10.0.0.0/8", "private use (RFC 1918)"),
    ROW(V4(100, 64, 0, 0), 10, "100.64.0.0/10", "shared address space (RFC 6598)"),
    ROW(V4(100, 100, 2, 136), 32, "100.100.2.136/32", "cloud provider DNS (Alibaba)"),
    ROW(V4(100, 100, 2, 138), 32, "100.100.2.138/32", "cloud provider DNS (Alibaba)"),
    ROW(V4(100, 100, 100, 200), 32, "100.100.100.200/32", "cloud metadata (Alibaba)"),
    ROW(V4(127, 0, 0, 0), 8, "127.0.0.0/8", "loopback (RFC 1122)"),
    ROW(V4(161, 26, 0, 0), 16, "161.26.0.0/16", "cloud provider services (IBM)"),
    ROW(V4(166, 8, 0, 0), 14, "166.8.0.0/14", "cloud provider services (IBM)"),
    ROW(V4(168, 63, 129, 16), 32, "168.63.129.16/32", "cloud metadata (Azure wire server)"),
    ROW(V4(169, 254, 0, 0), 16, "169.254.0.0/16",
        "link-local and cloud metadata (RFC 3927, AWS, Azure, GCP, others)"),
    ROW(V4(172, 16, 0, 0), 12, "172.16.0.0/12", "private use (RFC 1918)"),
    ROW(V4(192, 0, 0, 0), 24, "192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
    ROW(V4(192, 0, 0, 192), 32, "192.0.0.192/32", "cloud metadata (Oracle)"),
    ROW(V4(192, 0, 2, 0), 24, "192.0.2.0/24", "documentation (RFC 5737)"),
    ROW(V4(192, 31, 196, 0), 24, "192.31.196.0/24", "AS112 (RFC 7535)"),
    ROW(V4(192, 52, 193, 0), 24, "192.52.193.0/24", "AMT (RFC 7450)"),
    ROW(V4(192, 88, 99, 0), 24, "192.88.99.0/24", "6to4 relay anycast (RFC 7526)"),
    ROW(V4(192, 168, 0, 0), 16, "192.168.0.0/16", "private use (RFC 1918)"),
    ROW(V4(192, 175, 48, 0), 24, "192.175.48.0/24", "AS112 (RFC 7534)"),
    ROW(V4(198, 18, 0, 0), 15, "198.18.0.0/15", "benchmarking (RFC 2544)"),
    ROW(V4(198, 51, 100, 0), 24, "198.51.100.0/24", "documentation (RFC 5737)"),
    ROW(V4(203, 0, 113, 0), 24, "203.0.113.0/24", "documentation (RFC 5737)"),
    ROW(V4(224, 0, 0, 0), 4, "224.0.0.0/4", "multicast (RFC 5771)"),
    ROW(V4(240, 0, 0, 0), 4, "240.0.0.0/4", "reserved (RFC 1112)"),
    ROW(V4(255, 255, 255, 255), 32, "255.255.255.255/32", "limited broadcast (RFC 919)"),

    ROW(V6(0), 128, "::/128", "unspecified (RFC 4291)"),
    ROW(V6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 128, "::1/128", "loopback (RFC 4291)"),
    ROW(V6(0), 96, "::/96", "IPv4-compatible (RFC 4291)"),
    ROW(V6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), 96, "::ffff:0:0/96",
        "IPv4-mapped (RFC 4291)"),
    ROW(V6(0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), 96, "::ffff:0:0:0/96",
        "IPv4-translated (RFC 2765)"),
    ROW(V6(0, 0x64, 0xff, 0x9b, 0, 1), 48, "64:ff9b:1::/48", "local-use NAT64 (RFC 8215)"),
    ROW(V6(1), 64, "100::/64", "discard (RFC 6666)"),
    ROW(V6(1, 0, 0, 0, 0, 0, 0, 1), 64, "100:0:0:1::/64", "dummy prefix (RFC 9780)"),
    ROW(V6(0x20, 0x01), 23, "2001::/23", "IETF protocol assignments (RFC 2928)"),
    ROW(V6(0x20, 0x01, 0, 0), 32, "2001::/32", "Teredo (RFC 4380)"),
    ROW(V6(0x20, 0x01, 0, 2), 48, "2001:2::/48", "benchmarking (RFC 5180)"),
    ROW(V6(0x20, 0x01, 0, 0x10), 28, "2001:10::/28", "ORCHID (RFC 4843)"),
    ROW(V6(0x20, 0x01, 0, 0x20), 28, "2001:20::/28", "ORCHIDv2 (RFC 7343)"),
    ROW(V6(0x20, 0x01, 0, 0x30), 28, "2001:30::/28", "drone remote ID (RFC 9374)"),
    ROW(V6(0x20, 0x01, 0x0d, 0xb8), 32, "2001:db8::/32", "documentation (RFC 3849)"),
    ROW(V6(0x20, 0x02), 16, "2002::/16", "6to4 (RFC 3056)"),
    ROW(V6(0x26, 0x20, 0, 0x4f, 0x80, 0), 48, "2620:4f:8000::/48", "AS112 (RFC 7534)"),
    ROW(V6(0x3f, 0xff), 20, "3fff::/20", "documentation (RFC 9637)"),
    ROW(V6(0x3f, 0xfe), 16, "3ffe::/16", "6bone, returned (RFC 3701)"),
    ROW(V6(0x5f), 16, "5f00::/16", "segment routing SIDs (RFC 9602)"),
    ROW(V6(0xfc), 7, "fc00::/7", "unique local (RFC 4193)"),
    ROW(V6(0xfd, 0, 0x0e, 0xc2), 32, "fd00:ec2::/32", "cloud metadata (AWS)"),
    ROW(V6(0xfd, 0x20, 0, 0xce), 32, "fd20:ce::/32", "cloud metadata (GCP)"),
    ROW(V6(0xfd, 0, 0, 0xc1), 32, "fd00:c1::/32", "cloud metadata (Oracle)"),
    ROW(V6(0xfd, 0, 0, 0x42), 32, "fd00:42::/32", "cloud metadata (Scaleway)"),
    ROW(V6(0xfd, 0, 0xa9, 0xfe, 0xa9, 0xfe), 48, "fd00:a9fe:a9fe::/48", "cloud metadata (Akamai)"),
    ROW(V6(0xfe, 0x80), 10, "fe80::/10", "link-local (RFC 4291)"),
    ROW(V6(0xfe, 0xc0), 10, "fec0::/10", "site-local, deprecated (RFC 3879)"),
    ROW(V6(0xff), 8, "ff00::/8", "multicast (RFC 4291)"),
};

/* All other IPv6 space is not handed out: only 2000::/3 is global unicast (RFC 4291). */
static const struct ip_prefix nat64 = {.address = V6(0, 0x64, 0xff, 0x9b), .length = 96};
static const struct address_range not_global_unicast =
    ROW(V6(0), 0, "::/0", "outside 2000::/3, not global unicast (RFC 4291)");

const struct address_range *address_ranges(size_t *ret_count)
{
    *ret_count = sizeof(ranges) / sizeof(ranges[0]);
    return ranges;
}

static const struct address_range *find_row(const struct ip_address *address)
{
    const struct address_range *best = NULL;

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (ip_prefix_contains(&ranges[i].prefix, address) &&
            (best == NULL || ranges[i].prefix.length > best->prefix.length)) {
            best = &ranges[i];
        }
    }
    return best;
}

bool address_embedded_v4(const struct ip_address *address, struct ip_address *ret_inner)
{
    static const struct ip_prefix mapped = {.address = V6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
                                            .length = 96};
    static const struct ip_prefix translated = {.address = V6(0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
                                                .length = 96};
    static const struct ip_prefix compatible = {.address = V6(0), .length = 96};
    static const struct ip_prefix local_nat64 = {.address = V6(0, 0x64, 0xff, 0x9b, 0, 1),
                                                 .length = 96};
    static const struct ip_prefix six_to_four = {.address = V6(0x20, 0x02), .length = 16};
    static const struct ip_prefix teredo = {.address = V6(0x20, 0x01, 0, 0), .length = 32};
    const uint8_t *bytes = address->bytes;

    if (address->family != IP_V6) {
        return false;
    }
    if (ip_prefix_contains(&mapped, address) || ip_prefix_contains(&translated, address) ||
        ip_prefix_contains(&compatible, address) || ip_prefix_contains(&nat64, address) ||
        ip_prefix_contains(&local_nat64, address)) {
        *ret_inner = ip_address_v4(bytes + 12);
        return true;
    }
    if (ip_prefix_contains(&six_to_four, address)) {
        *ret_inner = ip_address_v4(bytes + 2);
        return true;
    }
    if (ip_prefix_contains(&teredo, address)) {
        /* The client's address, every bit turned. */
        const uint8_t client[4] = {bytes[12] ^ 0xffU, bytes[13] ^ 0xffU, bytes[14] ^ 0xffU,
                                   bytes[15] ^ 0xffU};

        *ret_inner = ip_address_v4(client);
        return true;
    }
    if ((bytes[8] & 0xfdU) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe) {
        *ret_inner = ip_address_v4(bytes + 12);
        return true;
    }
    return false;
}

struct ip_address address_judged(const struct ip_address *address)
{
    struct ip_address inner;

    if (ip_prefix_contains(&nat64, address) && address_embedded_v4(address, &inner)) {
        return inner;
    }
    return *address;
}

const struct address_range *address_range_find(const struct ip_address *address)
{
    static const struct ip_prefix global_unicast = {.address = V6(0x20), .length = 3};
    const struct address_range *range = find_row(address);
    struct ip_address inner;

    /* ::1 and :: are themselves, not IPv4 addresses in the compatible form. */
    if ((range == NULL || range->prefix.length < 128) && address_embedded_v4(address, &inner)) {
        const struct address_range *inside = find_row(&inner);

        if (inside != NULL) {
            return inside;
        }
    }
    if (range == NULL && address->family == IP_V6 &&
        !ip_prefix_contains(&global_unicast, address) && !ip_prefix_contains(&nat64, address)) {
        return &not_global_unicast;
    }
    return range;
}
