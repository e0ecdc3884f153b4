#include "tests/support/unit.h"

#include <stdio.h>

#include "netguard/budget.h"

static const struct net_settings settings = {
    .dns_budget = {.queries_per_second = 2,
                   .burst = 4,
                   .unique_names_per_hour = 6,
                   .label_bytes_per_hour = 60,
                   .entropy_bits_per_hour = 60},
    .budget = {.connections_per_minute = 3, .bytes_out = 1000, .bytes_out_per_host = 600},
};

static int make_budget(void **state)
{
    *state = budget_new();
    return *state == NULL;
}

static int free_budget(void **state)
{
    budget_free(*state);
    return 0;
}

static const char *ask(struct budget *budget, unsigned int number, uint64_t now_ms)
{
    char name[16];

    snprintf(name, sizeof(name), "n%u.org", number);
    return budget_charge_question(budget, &settings, str_view_from(name), now_ms);
}

static void a_burst_and_then_the_rate(void **state)
{
    for (unsigned int i = 0; i < 4; i++) {
        assert_null(ask(*state, 0, 1000));
    }
    assert_non_null(ask(*state, 0, 1000));
    assert_non_null(ask(*state, 0, 1499));
    assert_null(ask(*state, 0, 1500));
    assert_non_null(ask(*state, 0, 1500));
}

static void names_are_counted_once_an_hour(void **state)
{
    uint64_t now = 1000;

    for (unsigned int i = 0; i < 6; i++, now += 1000) {
        assert_null(ask(*state, i, now));
    }
    assert_non_null(ask(*state, 6, now += 1000));
    assert_null(ask(*state, 3, now += 1000));
    assert_null(ask(*state, 6, now + 3600000));
}

static void bytes_in_names_are_counted(void **state)
{
    static const char name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org"; /* 39 */

    assert_null(budget_charge_question(*state, &settings, STR_VIEW_LITERAL(name), 1000));
    assert_non_null(budget_charge_question(*state, &settings,
                                           STR_VIEW_LITERAL("b"
                                                            "aaaaaaaaaaaaaaaaaaaaaa.org"),
                                           1000));
    assert_null(budget_charge_question(*state, &settings, STR_VIEW_LITERAL(name), 1000));
}

static void codes_cost_more_than_words(void **state)
{
    struct net_settings roomy = settings;
    static const char *const words[] = {"api.a.org", "www.a.org", "static.a.org", "img.a.org"};

    roomy.dns_budget.label_bytes_per_hour = 10000;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_null(
            budget_charge_question(*state, &roomy, str_view_from(words[i]), 1000 + i * 1000));
    }
    assert_non_null(budget_charge_question(*state, &roomy,
                                           STR_VIEW_LITERAL("k7q2m9x4b1z8c5v0n3l6.a.org"), 9000));
    /* Each registered domain for itself; what comes again is no news. */
    assert_null(
        budget_charge_question(*state, &roomy, STR_VIEW_LITERAL("k7q2m9x4b1.b.co.uk"), 10000));
    assert_non_null(
        budget_charge_question(*state, &roomy, STR_VIEW_LITERAL("z7q2m9x4b1.b.co.uk"), 11000));
    assert_null(budget_charge_question(*state, &roomy, STR_VIEW_LITERAL("api.a.org"), 12000));
    assert_null(
        budget_charge_question(*state, &roomy, STR_VIEW_LITERAL("z7q2m9x4b1.b.co.uk"), 3602000));
}

static void connections_are_counted_by_the_minute(void **state)
{
    for (int i = 0; i < 3; i++) {
        assert_null(budget_charge_flow(*state, &settings, STR_VIEW_LITERAL("a.org"), 1000));
    }
    assert_non_null(budget_charge_flow(*state, &settings, STR_VIEW_LITERAL("a.org"), 60999));
    assert_null(budget_charge_flow(*state, &settings, STR_VIEW_LITERAL("a.org"), 61000));
}

static void bytes_are_counted_by_host_and_in_all(void **state)
{
    struct str_view a = STR_VIEW_LITERAL("a.org"), b = STR_VIEW_LITERAL("b.org");

    assert_null(budget_charge_flow(*state, &settings, a, 1000));
    assert_null(budget_charge_flow(*state, &settings, b, 1000));
    budget_count_begin(*state);
    budget_count_live(*state, a, 599);
    assert_false(budget_count_end(*state, &settings));
    assert_null(budget_check_bytes(*state, &settings, a));
    budget_count_begin(*state);
    budget_count_live(*state, a, 600);
    assert_true(budget_count_end(*state, &settings)); /* news once */
    assert_false(budget_count_end(*state, &settings));
    assert_non_null(budget_check_bytes(*state, &settings, a));
    assert_null(budget_check_bytes(*state, &settings, b));
    budget_count_begin(*state);
    budget_count_ended(*state, a, 600);
    budget_count_live(*state, b, 400);
    assert_true(budget_count_end(*state, &settings));
    assert_non_null(budget_check_bytes(*state, &settings, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_and_then_the_rate, make_budget, free_budget),
        cmocka_unit_test_setup_teardown(names_are_counted_once_an_hour, make_budget, free_budget),
        cmocka_unit_test_setup_teardown(bytes_in_names_are_counted, make_budget, free_budget),
        cmocka_unit_test_setup_teardown(codes_cost_more_than_words, make_budget, free_budget),
        cmocka_unit_test_setup_teardown(connections_are_counted_by_the_minute, make_budget,
                                        free_budget),
        cmocka_unit_test_setup_teardown(bytes_are_counted_by_host_and_in_all, make_budget,
                                        free_budget),
    };

    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
