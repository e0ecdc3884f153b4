#include "shared/policy/special_names.h"

/* Each name of each decision is held against all of these: their lengths are known beforehand. */
#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

/* Names of one machine, one cluster or one provider's inside. "*." covers the rest of a domain. */
static const struct str_view internal_names[] = {
    NAME("localhost"),
    NAME("*.localhost"),
    NAME("localhost.localdomain"),
    NAME("*.localdomain"),
    NAME("*.internal"),
    NAME("internal"),
    NAME("metadata"),
    NAME("instance-data"),
    NAME("*.instance-data"),
    NAME("*.local"),
    NAME("local"),
    NAME("*.home.arpa"),
    NAME("home.arpa"),
    NAME("*.svc"),
    NAME("svc"),
    NAME("*.cluster.local"),
    NAME("wpad"),
    NAME("*.lan"),
    NAME("*.intranet"),
    NAME("*.corp"),
    NAME("*.home"),
    NAME("*.private"),
    NAME("kubernetes"),
    NAME("kubernetes.default"),
    NAME("metadata.tencentyun.com"),
    NAME("metadata.packet.net"),
    NAME("metadata.platformequinix.com"),
    NAME("*.in-addr.arpa"),
    NAME("*.ip6.arpa"),
    NAME("wpad.*"),
};

static const struct str_view resolver_names[] = {
    NAME("use-application-dns.net"),
    NAME("dns.google"),
    NAME("*.dns.google"),
    NAME("cloudflare-dns.com"),
    NAME("*.cloudflare-dns.com"),
    NAME("one.one.one.one"),
    NAME("*.cloudflare-gateway.com"),
    NAME("dns.quad9.net"),
    NAME("dns9.quad9.net"),
    NAME("dns10.quad9.net"),
    NAME("dns11.quad9.net"),
    NAME("dns12.quad9.net"),
    NAME("doh.opendns.com"),
    NAME("doh.familyshield.opendns.com"),
    NAME("dns.opendns.com"),
    NAME("doh.umbrella.com"),
    NAME("dns.umbrella.com"),
    NAME("dns.nextdns.io"),
    NAME("*.dns.nextdns.io"),
    NAME("doh.cleanbrowsing.org"),
    NAME("dns.adguard.com"),
    NAME("*.adguard-dns.com"),
    NAME("dns.mullvad.net"),
    NAME("*.dns.mullvad.net"),
    NAME("doh.mullvad.net"),
    NAME("dns.controld.com"),
    NAME("freedns.controld.com"),
    NAME("dns0.eu"),
    NAME("*.dns0.eu"),
    NAME("doh.dns.sb"),
    NAME("doh.sb"),
    NAME("dns.alidns.com"),
    NAME("doh.pub"),
    NAME("dot.pub"),
    NAME("doh.360.cn"),
    NAME("ordns.he.net"),
    NAME("doh.libredns.gr"),
    NAME("dns.switch.ch"),
    NAME("doh.ffmuc.net"),
    NAME("doh.applied-privacy.net"),
};
#undef NAME

static bool folded_equals(struct str_view name, struct str_view row)
{
    if (name.length != row.length) {
        return false;
    }
    for (size_t i = row.length; i > 0; i--) { /* they differ at the end, if anywhere */
        char c = name.bytes[i - 1];

        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != row.bytes[i - 1]) {
            return false;
        }
    }
    return true;
}

/* A row may begin with "*.", for what is below a domain, or end with ".*". */
static bool row_matches(struct str_view row, struct str_view name)
{
    struct str_view part = name;

    if (row.bytes[0] == '*') {
        if (name.length < row.length) {
            return false;
        }
        row.bytes++;
        row.length--;
        part.bytes += name.length - row.length;
        part.length = row.length;
    } else if (row.bytes[row.length - 1] == '*') {
        row.length--;
        part.length = name.length < row.length ? name.length : row.length;
    }
    return folded_equals(part, row);
}

static bool is_among(struct str_view name, const struct str_view *rows, size_t count)
{
    if (name.length > 0 && name.bytes[name.length - 1] == '.') {
        name.length--;
    }
    for (size_t i = 0; i < count; i++) {
        if (row_matches(rows[i], name)) {
            return true;
        }
    }
    return false;
}

bool host_name_is_internal(struct str_view name)
{
    return is_among(name, internal_names, sizeof(internal_names) / sizeof(internal_names[0]));
}

bool host_name_is_resolver(struct str_view name)
{
    return is_among(name, resolver_names, sizeof(resolver_names) / sizeof(resolver_names[0]));
}
