/* What was made here, against a plain table; and names that come back. */
#include <stdlib.h>
#include <string.h>

#include "fusefs/made_set.h"
#include "fusefs/removed_names.h"
#include "tests/support/unit.h"

static struct node_identity identity_of(uint32_t number)
{
    return (struct node_identity){.device = 7 + number % 2,
                                  .inode = number / 4,
                                  .born_seconds = 1000 + number % 4 / 2,
                                  .born_nanoseconds = number};
}

static void test_against_a_table(void **state)
{
    enum { OBJECTS = 20000, STEPS = 120000 };
    static bool there[OBJECTS];
    struct made_set set;
    uint32_t count = 0;

    (void)state;
    made_set_init(&set);
    srand(3);
    for (int i = 0; i < STEPS; i++) {
        uint32_t number = (uint32_t)rand() % OBJECTS;
        struct node_identity identity = identity_of(number);

        assert_int_equal(made_set_has(&set, &identity), there[number]);
        if (rand() % 5 < 3) {
            made_set_add(&set, &identity);
            count += !there[number];
            there[number] = true;
        } else {
            made_set_remove(&set, &identity);
            count -= there[number];
            there[number] = false;
        }
        assert_int_equal(set.count, count);
    }
    made_set_clear(&set);
}

/* A number that is used again is another object. */
static void test_birth_counts(void **state)
{
    struct made_set set;
    struct node_identity ours = {.device = 1, .inode = 2, .born_seconds = 3};
    struct node_identity theirs = {.device = 1, .inode = 2, .born_seconds = 4};

    (void)state;
    made_set_init(&set);
    assert_false(made_set_has(&set, &ours));
    made_set_remove(&set, &ours);
    made_set_add(&set, &ours);
    assert_true(made_set_has(&set, &ours));
    assert_false(made_set_has(&set, &theirs));
    made_set_clear(&set);
    assert_false(made_set_has(&set, &ours));
}

/* At the bound a new object is not remembered: it counts as if it had been there before. */
static void test_bound(void **state)
{
    struct made_set set;
    struct node_identity first = identity_of(0);
    struct node_identity late = identity_of(MADE_SET_MAX);

    (void)state;
    made_set_init(&set);
    for (uint32_t i = 0; i < MADE_SET_MAX; i++) {
        struct node_identity identity = identity_of(i);

        made_set_add(&set, &identity);
    }
    assert_int_equal(set.count, MADE_SET_MAX);
    made_set_add(&set, &late);
    assert_false(made_set_has(&set, &late));
    assert_true(made_set_has(&set, &first));
    made_set_clear(&set);
}

static void test_names_come_back(void **state)
{
    static struct removed_names names;
    const struct str_view name = STR_VIEW_LITERAL("a.c");
    const struct breaker_charge charge = {.count = 1, .at_ms = 77};
    struct breaker_charge taken = {0};

    (void)state;
    removed_names_init(&names);
    assert_false(removed_names_has(&names, 5, name));
    removed_names_add(&names, 5, name, &charge);
    assert_true(removed_names_has(&names, 5, name));
    assert_false(removed_names_has(&names, 6, name));
    assert_false(removed_names_has(&names, 5, STR_VIEW_LITERAL("a.h")));
    assert_true(removed_names_take(&names, 5, name, &taken));
    assert_int_equal(taken.at_ms, 77);
    assert_false(removed_names_take(&names, 5, name, &taken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_table),
        cmocka_unit_test(test_birth_counts),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_names_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
