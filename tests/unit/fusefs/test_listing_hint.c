#include "tests/support/unit.h"

#include "fusefs/listing_hint.h"
#include "fusefs/node_table.h"

#define SECOND 1000000000u

static void a_first_listing_is_names(void **state)
{
    struct listing_hint hint = {0};
    struct node directory = {0};

    (void)state;
    assert_false(listing_hint_kept(&hint, &directory, SECOND)); /* nothing was given yet */
    assert_false(listing_hint_begin(&hint, &directory, SECOND));
    assert_false(listing_hint_kept(&hint, &directory, SECOND)); /* nor all of it */
    listing_hint_ended(&directory);
    assert_true(listing_hint_kept(&hint, &directory, SECOND));
}

static void looks_at_files_ask_for_attributes(void **state)
{
    struct listing_hint hint = {0};
    struct node looked = {0};
    struct node other = {0};
    struct node full = {0};

    (void)state;
    assert_false(listing_hint_begin(&hint, &looked, SECOND));
    listing_hint_ended(&looked);
    assert_false(listing_hint_begin(&hint, &other, SECOND));
    listing_hint_ended(&other);
    listing_hint_looked(&hint, &looked, SECOND);
    listing_hint_looked(&hint, &looked, SECOND);
    assert_true(listing_hint_kept(&hint, &other, SECOND)); /* one or two may be chance */
    listing_hint_looked(&hint, &looked, SECOND);
    assert_false(listing_hint_kept(&hint, &other, SECOND)); /* names alone are not what is wanted */
    assert_true(listing_hint_begin(&hint, &full, SECOND));
    listing_hint_ended(&full);
    assert_true(listing_hint_kept(&hint, &full, SECOND));
    /* A second later it is somebody else. */
    assert_true(listing_hint_kept(&hint, &other, 2 * SECOND));
    assert_false(listing_hint_begin(&hint, &full, 2 * SECOND));
}

static void looks_into_what_came_with_attributes_ask_for_nothing(void **state)
{
    struct listing_hint hint = {.wanted_until_ns = 2 * SECOND};
    struct node directory = {0};

    (void)state;
    assert_true(listing_hint_begin(&hint, &directory, SECOND));
    for (int i = 0; i < 10; i++) {
        listing_hint_looked(&hint, &directory, 3 * SECOND);
    }
    assert_false(listing_hint_begin(&hint, &directory, 3 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_listing_is_names),
        cmocka_unit_test(looks_at_files_ask_for_attributes),
        cmocka_unit_test(looks_into_what_came_with_attributes_ask_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
