#include "tests/support/unit.h"

#include <errno.h>

#include "shared/base/ip_address.h"

static void parses_and_prints(void **state)
{
    static const struct {
        const char *text;
        const char *printed; /* NULL: refused */
    } rows[] = {
        {"10.1.2.3", "10.1.2.3"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"2001:DB8::1", "2001:db8::1"},
        {"010.1.2.3", NULL},
        {"10.1.2", NULL},
        {"0x7f.1", NULL},
        {"2130706433", NULL},
        {"fe80::1%eth0", NULL},
        {"", NULL},
        {"1.2.3.4 ", NULL},
        {"1::2::3", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip_address address;
        char text[IP_ADDRESS_TEXT_MAX];
        int error = ip_address_parse(str_view_from(rows[i].text), &address);

        if (rows[i].printed == NULL) {
            assert_int_equal(error, -EINVAL);
        } else {
            assert_int_equal(error, 0);
            assert_string_equal(ip_address_format(&address, text), rows[i].printed);
        }
    }
}

static void prefixes_refuse_host_bits_and_bad_lengths(void **state)
{
    struct ip_prefix prefix;
    char text[IP_PREFIX_TEXT_MAX];

    (void)state;
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("10.0.0.0/8"), &prefix), 0);
    assert_string_equal(ip_prefix_format(&prefix, text), "10.0.0.0/8");
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("1.2.3.4"), &prefix), 0);
    assert_int_equal(prefix.length, 32);
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("10.0.0.1/8"), &prefix), -EDOM);
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("10.0.0.0/33"), &prefix), -EINVAL);
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("10.0.0.0/08"), &prefix), -EINVAL);
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("10.0.0.0/"), &prefix), -EINVAL);
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("::/129"), &prefix), -EINVAL);
}

static void contains_at_odd_lengths(void **state)
{
    struct ip_prefix prefix;
    struct ip_address address;

    (void)state;
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("172.16.0.0/12"), &prefix), 0);
    assert_int_equal(ip_address_parse(STR_VIEW_LITERAL("172.31.255.255"), &address), 0);
    assert_true(ip_prefix_contains(&prefix, &address));
    assert_int_equal(ip_address_parse(STR_VIEW_LITERAL("172.32.0.0"), &address), 0);
    assert_false(ip_prefix_contains(&prefix, &address));
    assert_int_equal(ip_address_parse(STR_VIEW_LITERAL("::ac10:1"), &address), 0);
    assert_false(ip_prefix_contains(&prefix, &address));
    assert_int_equal(ip_prefix_parse(STR_VIEW_LITERAL("::/0"), &prefix), 0);
    assert_true(ip_prefix_contains(&prefix, &address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints),
        cmocka_unit_test(prefixes_refuse_host_bits_and_bad_lengths),
        cmocka_unit_test(contains_at_odd_lengths),
    };

    return cmocka_run_group_tests_name("ip_address", tests, NULL, NULL);
}
