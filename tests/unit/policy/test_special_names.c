#include "tests/support/unit.h"

#include "shared/policy/special_names.h"

static void names_of_the_inside(void **state)
{
    static const char *const inside[] = {"localhost",
                                         "LOCALHOST.",
                                         "a.localhost",
                                         "x.internal",
                                         "Metadata.Google.Internal",
                                         "metadata",
                                         "a.local",
                                         "x.svc.cluster.local",
                                         "wpad",
                                         "wpad.example.org",
                                         "1.0.0.127.in-addr.arpa"};
    static const char *const outside[] = {
        "example.org", "localhost.example.org", "internal.example",    "mylocal",
        "xlocalhost",  "metadata.example.org",  "notwpad.example.org", "local.example"};

    (void)state;
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        assert_true(host_name_is_internal(str_view_from(inside[i])));
    }
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_false(host_name_is_internal(str_view_from(outside[i])));
    }
}

static void resolvers_over_https(void **state)
{
    static const char *const resolvers[] = {"dns.google", "DNS.Google.", "dns64.dns.google",
                                            "mozilla.cloudflare-dns.com",
                                            "use-application-dns.net"};
    static const char *const others[] = {"google", "xdns.google", "cloudflare.com",
                                         "www.use-application-dns.net", "quad9.net"};

    (void)state;
    for (size_t i = 0; i < sizeof(resolvers) / sizeof(resolvers[0]); i++) {
        assert_true(host_name_is_resolver(str_view_from(resolvers[i])));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(host_name_is_resolver(str_view_from(others[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_inside),
        cmocka_unit_test(resolvers_over_https),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
