/* The sliding window against its definition, and under threads. */
#include <pthread.h>
#include <stdlib.h>

#include "shared/breaker/breaker_window.h"
#include "tests/support/unit.h"

static void test_counts_within(void **state)
{
    struct breaker_window window = {.within_ms = 10000};

    (void)state;
    assert_int_equal(breaker_window_add(&window, 50000, 1), 1);
    assert_int_equal(breaker_window_add(&window, 50000, 4), 5);
    assert_int_equal(breaker_window_total(&window, 59999), 5);
    assert_int_equal(breaker_window_total(&window, 60000), 5);
    assert_int_equal(breaker_window_total(&window, 60000 + 10000 / 64 * 2), 0);
    assert_int_equal(breaker_window_add(&window, 90000, 2), 2);
}

static void test_takes_back(void **state)
{
    struct breaker_window window = {.within_ms = 1000};

    (void)state;
    breaker_window_add(&window, 7000, 3);
    breaker_window_take_back(&window, 7000, 2);
    assert_int_equal(breaker_window_total(&window, 7001), 1);
    breaker_window_take_back(&window, 7000, 2); /* more than there is: nothing */
    assert_int_equal(breaker_window_total(&window, 7001), 1);
    breaker_window_take_back(&window, 5000, 1); /* long gone */
    assert_int_equal(breaker_window_total(&window, 7001), 1);
}

static void test_short_and_long(void **state)
{
    struct breaker_window one = {.within_ms = 1};
    struct breaker_window year = {.within_ms = UINT64_C(31536000000)};

    (void)state;
    breaker_window_add(&one, 5, 1);
    assert_int_equal(breaker_window_total(&one, 5), 1);
    assert_int_equal(breaker_window_total(&one, 500), 0);
    breaker_window_add(&year, 1, UINT64_MAX);
    breaker_window_add(&year, 2, UINT64_MAX);
    assert_int_equal(breaker_window_total(&year, 3), BREAKER_COUNT_MAX);
}

static void test_late_clock(void **state)
{
    struct breaker_window window = {.within_ms = 640};

    (void)state;
    breaker_window_add(&window, 100000, 1);
    /* A thread that read its clock a window earlier: not lost, and nothing of others is. */
    assert_int_equal(breaker_window_add(&window, 100000 - 650, 1), 2);
    assert_int_equal(breaker_window_total(&window, 100000), 2);
}

/* Never more than the definition by more than one slice of the past; never less. */
static void test_against_definition(void **state)
{
    enum { EVENTS = 4000 };
    static uint64_t at[EVENTS];
    struct breaker_window window = {.within_ms = 3000};
    uint64_t now = 1000000;
    uint64_t slice = 3000 / 64 + 1;

    (void)state;
    srand(7);
    for (int i = 0; i < EVENTS; i++) {
        uint64_t exact = 0, loose = 0, counted;

        now += (uint64_t)(rand() % 40);
        at[i] = now;
        counted = breaker_window_add(&window, now, 1);
        for (int j = 0; j <= i; j++) {
            exact += at[j] + 3000 > now;
            loose += at[j] + 3000 + 2 * slice > now;
        }
        assert_true(counted >= exact);
        assert_true(counted <= loose);
    }
}

enum { THREADS = 8, PER_THREAD = 20000, LIMIT = 1000 };

struct race {
    struct breaker_window window;
    atomic_uint permitted;
};

static void *race_thread(void *argument)
{
    struct race *race = argument;

    for (int i = 0; i < PER_THREAD; i++) {
        if (breaker_window_add(&race->window, 1000 + (uint64_t)i / 64, 1) <= LIMIT) {
            atomic_fetch_add(&race->permitted, 1);
        }
    }
    return NULL;
}

static void test_threads_never_pass_the_limit(void **state)
{
    static struct race race = {.window = {.within_ms = 100000}};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, race_thread, &race), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(atomic_load(&race.permitted) <= LIMIT);
    assert_true(atomic_load(&race.permitted) >= LIMIT - THREADS);
    assert_int_equal(breaker_window_total(&race.window, 1400), THREADS * PER_THREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_within),
        cmocka_unit_test(test_takes_back),
        cmocka_unit_test(test_short_and_long),
        cmocka_unit_test(test_late_clock),
        cmocka_unit_test(test_against_definition),
        cmocka_unit_test(test_threads_never_pass_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
