#include "shared/policy/special_names.h"

#include <string.h>

/* Names of one machine, one cluster or one provider's inside. "*." covers the rest of a domain. */
static const char *const internal_names[] = {
    "localhost",
    "*.localhost",
    "localhost.localdomain",
    "*.localdomain",
    "*.internal",
    "internal",
    "metadata",
    "instance-data",
    "*.instance-data",
    "*.local",
    "local",
    "*.home.arpa",
    "home.arpa",
    "*.svc",
    "svc",
    "*.cluster.local",
    "wpad",
    "*.lan",
    "*.intranet",
    "*.corp",
    "*.home",
    "*.private",
    "kubernetes",
    "kubernetes.default",
    "metadata.tencentyun.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "*.in-addr.arpa",
    "*.ip6.arpa",
    "wpad.*",
};

static const char *const resolver_names[] = {
    "use-application-dns.net",
    "dns.google",
    "*.dns.google",
    "cloudflare-dns.com",
    "*.cloudflare-dns.com",
    "one.one.one.one",
    "*.cloudflare-gateway.com",
    "dns.quad9.net",
    "dns9.quad9.net",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "dns12.quad9.net",
    "doh.opendns.com",
    "doh.familyshield.opendns.com",
    "dns.opendns.com",
    "doh.umbrella.com",
    "dns.umbrella.com",
    "dns.nextdns.io",
    "*.dns.nextdns.io",
    "doh.cleanbrowsing.org",
    "dns.adguard.com",
    "*.adguard-dns.com",
    "dns.mullvad.net",
    "*.dns.mullvad.net",
    "doh.mullvad.net",
    "dns.controld.com",
    "freedns.controld.com",
    "dns0.eu",
    "*.dns0.eu",
    "doh.dns.sb",
    "doh.sb",
    "dns.alidns.com",
    "doh.pub",
    "dot.pub",
    "doh.360.cn",
    "ordns.he.net",
    "doh.libredns.gr",
    "dns.switch.ch",
    "doh.ffmuc.net",
    "doh.applied-privacy.net",
};

static bool folded_equals(struct str_view name, const char *text, size_t length)
{
    if (name.length != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = name.bytes[i];

        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != text[i]) {
            return false;
        }
    }
    return true;
}

/* A row may begin with "*.", for what is below a domain, or end with ".*". */
static bool row_matches(const char *row, struct str_view name)
{
    size_t length = strlen(row);
    struct str_view part = name;

    if (row[0] == '*') {
        if (name.length < length) {
            return false;
        }
        part.bytes += name.length - (length - 1);
        part.length = length - 1;
        row++;
        length--;
    } else if (row[length - 1] == '*') {
        part.length = name.length < length - 1 ? name.length : length - 1;
        length--;
    }
    return folded_equals(part, row, length);
}

static bool is_among(struct str_view name, const char *const *rows, size_t count)
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
