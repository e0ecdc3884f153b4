/* Which range an address lies in, and which names are of the inside. */
#include "tests/support/unit.h"

#include <string.h>

#include "shared/policy/address_ranges.h"

struct row {
    const char *address;
    const char *range; /* NULL: public */
};

static const struct row rows[] = {
    {"0.0.0.0", "0.0.0.0/8"},
    {"0.255.255.255", "0.0.0.0/8"},
    {"1.0.0.0", NULL},
    {"9.255.255.255", NULL},
    {"10.0.0.0", "10.0.0.0/8"},
    {"10.255.255.255", "10.0.0.0/8"},
    {"11.0.0.0", NULL},
    {"100.63.255.255", NULL},
    {"100.64.0.0", "100.64.0.0/10"},
    {"100.100.100.200", "100.100.100.200/32"},
    {"100.127.255.255", "100.64.0.0/10"},
    {"100.128.0.0", NULL},
    {"127.0.0.1", "127.0.0.0/8"},
    {"128.0.0.0", NULL},
    {"161.26.0.1", "161.26.0.0/16"},
    {"166.7.255.255", NULL},
    {"166.11.255.255", "166.8.0.0/14"},
    {"168.63.129.16", "168.63.129.16/32"},
    {"168.63.129.15", NULL},
    {"169.254.169.254", "169.254.0.0/16"},
    {"172.15.255.255", NULL},
    {"172.16.0.0", "172.16.0.0/12"},
    {"172.31.255.255", "172.16.0.0/12"},
    {"172.32.0.0", NULL},
    {"192.0.0.192", "192.0.0.192/32"},
    {"192.0.0.8", "192.0.0.0/24"},
    {"192.0.1.0", NULL},
    {"192.0.2.255", "192.0.2.0/24"},
    {"192.167.255.255", NULL},
    {"192.168.0.0", "192.168.0.0/16"},
    {"198.17.255.255", NULL},
    {"198.18.0.0", "198.18.0.0/15"},
    {"198.19.255.255", "198.18.0.0/15"},
    {"198.51.100.1", "198.51.100.0/24"},
    {"203.0.113.1", "203.0.113.0/24"},
    {"223.255.255.255", NULL},
    {"224.0.0.1", "224.0.0.0/4"},
    {"239.255.255.250", "224.0.0.0/4"},
    {"240.0.0.1", "240.0.0.0/4"},
    {"255.255.255.255", "255.255.255.255/32"},
    {"8.8.8.8", NULL},
    {"::", "::/128"},
    {"::1", "::1/128"},
    {"::2", "0.0.0.0/8"},
    {"::8.8.8.8", "::/96"},
    {"::10.0.0.1", "10.0.0.0/8"},
    {"::ffff:127.0.0.1", "127.0.0.0/8"},
    {"::ffff:8.8.8.8", "::ffff:0:0/96"},
    {"::ffff:0:10.0.0.1", "10.0.0.0/8"},
    {"64:ff9b::8.8.8.8", NULL},
    {"64:ff9b::10.0.0.1", "10.0.0.0/8"},
    {"64:ff9b::169.254.169.254", "169.254.0.0/16"},
    {"64:ff9b:1::8.8.8.8", "64:ff9b:1::/48"},
    {"64:ff9b:1::10.0.0.1", "10.0.0.0/8"},
    {"100::1", "100::/64"},
    {"2001::", "255.255.255.255/32"},
    /* Teredo: the client's address has every bit turned. 10.0.0.1 and 8.8.8.8. */
    {"2001:0:4136:e378:8000:63bf:f5ff:fffe", "10.0.0.0/8"},
    {"2001:0:4136:e378:8000:63bf:f7f7:f7f7", "2001::/32"},
    {"2001:2::1", "2001:2::/48"},
    {"2001:1ff::1", "2001::/23"},
    {"2001:200::1", NULL},
    {"2001:db8::1", "2001:db8::/32"},
    {"2002:a00:1::1", "10.0.0.0/8"},
    {"2002:808:808::1", "2002::/16"},
    {"2606:2800:220:1::1", NULL},
    {"2a00:1450:4001:81b::200e", NULL},
    /* ISATAP, with both values of the universal bit. */
    {"2a00:1450:4001:81b:0:5efe:10.0.0.1", "10.0.0.0/8"},
    {"2a00:1450:4001:81b:200:5efe:192.168.1.1", "192.168.0.0/16"},
    {"2a00:1450:4001:81b:0:5efe:8.8.8.8", NULL},
    {"2a00:1450:4001:81b:100:5efe:10.0.0.1", NULL},
    {"3ffe::1", "3ffe::/16"},
    {"3fff:fff::1", "3fff::/20"},
    {"3fff:1000::1", NULL},
    {"4000::1", "::/0"},
    {"5f00::1", "5f00::/16"},
    {"fc00::1", "fc00::/7"},
    {"fd00:ec2::254", "fd00:ec2::/32"},
    {"fd20:ce::254", "fd20:ce::/32"},
    {"fd12:3456::1", "fc00::/7"},
    {"fe80::1", "fe80::/10"},
    {"fec0::1", "fec0::/10"},
    {"ff02::1", "ff00::/8"},
};

static void each_address_in_its_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip_address address;
        const struct address_range *range;

        assert_int_equal(ip_address_parse(str_view_from(rows[i].address), &address), 0);
        range = address_range_find(&address);
        if (rows[i].range == NULL ? range != NULL
                                  : range == NULL || strcmp(range->text, rows[i].range) != 0) {
            fail_msg("%s: %s, not %s", rows[i].address, range == NULL ? "public" : range->text,
                     rows[i].range == NULL ? "public" : rows[i].range);
        }
    }
}

/* The text is what people read, the prefix is what counts: they must agree. */
static void each_row_says_what_it_is(void **state)
{
    size_t count;
    const struct address_range *ranges = address_ranges(&count);

    (void)state;
    assert_true(count > 40);
    for (size_t i = 0; i < count; i++) {
        struct ip_prefix prefix;

        assert_int_equal(ip_prefix_parse(str_view_from(ranges[i].text), &prefix), 0);
        assert_true(ip_address_equals(&prefix.address, &ranges[i].prefix.address));
        assert_int_equal(prefix.length, ranges[i].prefix.length);
        assert_true(strncmp(ranges[i].reason, ranges[i].text, strlen(ranges[i].text)) == 0);
    }
}

static void no_address_is_in_no_range(void **state)
{
    (void)state;
    assert_null(address_range_find(&(struct ip_address){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_in_its_range),
        cmocka_unit_test(each_row_says_what_it_is),
        cmocka_unit_test(no_address_is_in_no_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
