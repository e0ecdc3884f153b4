#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netguard/flow/pin_table.h"

static const struct ip_address here = {.family = IP_V4, .bytes = {93, 184, 216, 10}};

static int make_table(void **state)
{
    *state = pin_table_new();
    return *state == NULL;
}

static int free_table(void **state)
{
    pin_table_free(*state);
    return 0;
}

static void a_pin_ends(void **state)
{
    struct str_view names[4];

    assert_int_equal(pin_table_add(*state, &here, STR_VIEW_LITERAL("a.org"), 0, 100), 0);
    assert_int_equal(pin_table_add(*state, &here, STR_VIEW_LITERAL("b.org"), 0, 50), 0);
    assert_int_equal(pin_table_names(*state, &here, 10, names, 4), 2);
    assert_int_equal(pin_table_names(*state, &here, 50, names, 4), 1);
    assert_true(str_view_equals_text(names[0], "a.org"));
    assert_int_equal(pin_table_names(*state, &here, 100, names, 4), 0);
}

static void the_later_end_holds(void **state)
{
    struct str_view names[4];

    assert_int_equal(pin_table_add(*state, &here, STR_VIEW_LITERAL("a.org"), 0, 100), 0);
    assert_int_equal(pin_table_add(*state, &here, STR_VIEW_LITERAL("a.org"), 0, 50), 0);
    assert_int_equal(pin_table_names(*state, &here, 99, names, 4), 1);
}

static void names_of_an_address_are_bounded(void **state)
{
    struct str_view names[PIN_NAMES_MAX + 4];
    char name[16];

    for (unsigned int i = 0; i < PIN_NAMES_MAX + 8; i++) {
        snprintf(name, sizeof(name), "n%u.org", i);
        assert_int_equal(pin_table_add(*state, &here, str_view_from(name), 0, 100 + i), 0);
    }
    assert_int_equal(pin_table_names(*state, &here, 10, names, PIN_NAMES_MAX + 4), PIN_NAMES_MAX);
}

static void a_full_table_pins_nothing_until_something_ends(void **state)
{
    struct ip_address address = {.family = IP_V6};

    for (uint32_t i = 0; i < PIN_ADDRESSES_MAX; i++) {
        memcpy(address.bytes, &i, sizeof(i));
        assert_int_equal(pin_table_add(*state, &address, STR_VIEW_LITERAL("a.org"), 0, 100), 0);
    }
    assert_int_equal(pin_table_add(*state, &here, STR_VIEW_LITERAL("a.org"), 50, 200), -ENOSPC);
    assert_int_equal(pin_table_count(*state), PIN_ADDRESSES_MAX);
    assert_int_equal(pin_table_add(*state, &here, STR_VIEW_LITERAL("a.org"), 150, 200), 0);
    assert_int_equal(pin_table_count(*state), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pin_ends, make_table, free_table),
        cmocka_unit_test_setup_teardown(the_later_end_holds, make_table, free_table),
        cmocka_unit_test_setup_teardown(names_of_an_address_are_bounded, make_table, free_table),
        cmocka_unit_test_setup_teardown(a_full_table_pins_nothing_until_something_ends, make_table,
                                        free_table),
    };

    return cmocka_run_group_tests_name("pin_table", tests, NULL, NULL);
}
