#include "tests/support/unit.h"

#include "netguard/nft/range_set.h"

static void overlapping_and_touching_spans_unite(void **state)
{
    struct address_span spans[] = {
        {{10, 0, 0, 0}, {10, 255, 255, 255}},   {{9, 0, 0, 0}, {9, 255, 255, 255}},
        {{10, 1, 0, 0}, {10, 1, 255, 255}},     {{12, 0, 0, 0}, {12, 0, 0, 0}},
        {{255, 0, 0, 0}, {255, 255, 255, 255}}, {{255, 255, 255, 255}, {255, 255, 255, 255}},
    };

    (void)state;
    assert_int_equal(address_spans_unite(spans, 6, 4), 3);
    assert_int_equal(spans[0].first[0], 9);
    assert_int_equal(spans[0].last[0], 10);
    assert_int_equal(spans[1].first[0], 12);
    assert_int_equal(spans[2].last[3], 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapping_and_touching_spans_unite),
    };

    return cmocka_run_group_tests_name("range_set", tests, NULL, NULL);
}
