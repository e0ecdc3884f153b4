#include "tests/support/unit.h"

#include "netguard/flow/processor_choice.h"

/* Of a machine with `processors`, whatever this one has. */
static struct processor_choice choice_of(uint16_t queues, unsigned int processors)
{
    struct processor_choice choice = {.queues = queues, .chosen = PROCESSOR_ANY};

    CPU_ZERO(&choice.of_process);
    for (unsigned int i = 0; i < processors; i++) {
        CPU_SET(i, &choice.of_process);
    }
    return choice;
}

#define MS 1000000U

/* So many packets of one queue, as of a client that waits each time. */
static bool packets_from(struct processor_choice *choice, uint16_t number, unsigned int count,
                         uint64_t now_ns)
{
    bool another = false;

    for (unsigned int i = 0; i < count; i++) {
        processor_choice_on_packet(choice, number);
        another = processor_choice_on_verdict(choice, now_ns) || another;
    }
    return another;
}

static struct processor_choice choice_at(uint16_t number)
{
    struct processor_choice choice = choice_of(4, 4);

    assert_false(packets_from(&choice, number, PROCESSOR_FOLLOW - 1, 1000 * MS));
    assert_int_equal(choice.chosen, PROCESSOR_ANY);
    assert_true(packets_from(&choice, number, 1, 1000 * MS));
    assert_int_equal(choice.chosen, number);
    return choice;
}

static void it_goes_where_packets_come_from(void **state)
{
    struct processor_choice choice = choice_at(2);
    cpu_set_t set = processor_choice_set(&choice);

    (void)state;
    assert_int_equal(CPU_COUNT(&set), 1);
    assert_true(CPU_ISSET(2, &set));
    assert_false(packets_from(&choice, 2, 100, 1100 * MS));
    assert_false(packets_from(&choice, 0, PROCESSOR_FOLLOW - 1, 1100 * MS));
    assert_true(packets_from(&choice, 0, 1, 1100 * MS));
    assert_int_equal(choice.chosen, 0);
}

static void a_mixed_load_does_not_move_it(void **state)
{
    struct processor_choice choice = choice_at(1);

    (void)state;
    for (unsigned int i = 0; i < 1000; i++) {
        /* Its own now and then, or two others by turns. */
        uint16_t number = (uint16_t)(i < 500 ? (i % PROCESSOR_FOLLOW == 0 ? 1 : 0) : 2 + i % 2);

        assert_false(packets_from(&choice, number, 1, (2000 + i) * MS));
        assert_int_equal(choice.chosen, 1);
    }
}

static void it_does_not_hop(void **state)
{
    struct processor_choice choice = choice_at(1);
    unsigned int hops = 0;

    (void)state;
    for (unsigned int i = 0; i < 1000; i++) { /* 10 us apart, from here and from there */
        hops += packets_from(&choice, (uint16_t)(i / 8 % 2), 1, 1000 * MS + i * 10000U) ? 1 : 0;
    }
    assert_in_range(hops, 1, 2);
}

static void without_packets_it_is_free(void **state)
{
    struct processor_choice choice = choice_at(3);
    cpu_set_t set;

    (void)state;
    assert_false(processor_choice_on_beat(&choice, 0)); /* those that brought it there */
    assert_true(processor_choice_on_beat(&choice, 0));
    assert_int_equal(choice.chosen, PROCESSOR_ANY);
    set = processor_choice_set(&choice);
    assert_true(CPU_EQUAL(&set, &choice.of_process));
}

static void a_late_beat_frees_it_for_another(void **state)
{
    struct processor_choice choice = choice_at(3);

    (void)state;
    assert_false(processor_choice_on_beat(&choice, PROCESSOR_LATE_MS - 1));
    assert_false(packets_from(&choice, 3, 1, 1500 * MS));
    assert_true(processor_choice_on_beat(&choice, PROCESSOR_LATE_MS));
    assert_int_equal(choice.chosen, PROCESSOR_ANY);
    assert_false(packets_from(&choice, 3, 100, 1900 * MS));
    assert_false(processor_choice_on_beat(&choice, 0));
    assert_true(packets_from(&choice, 3, 1, 2000 * MS));
}

static void of_many_processors_some_share_a_number(void **state)
{
    struct processor_choice choice = choice_of(16, 40);
    cpu_set_t set;

    (void)state;
    choice.chosen = 5;
    set = processor_choice_set(&choice);
    assert_int_equal(CPU_COUNT(&set), 3);
    assert_true(CPU_ISSET(5, &set) && CPU_ISSET(21, &set) && CPU_ISSET(37, &set));
}

static void it_never_leaves_what_it_was_allowed(void **state)
{
    struct processor_choice choice = choice_of(4, 2);
    cpu_set_t set, before, after;

    (void)state;
    choice.chosen = 3;
    set = processor_choice_set(&choice);
    assert_int_equal(CPU_COUNT(&set), 0);
    assert_return_code(sched_getaffinity(0, sizeof(before), &before), 0);
    processor_choice_take(&choice);
    assert_return_code(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

static void it_is_bound_and_free_again(void **state)
{
    struct processor_choice choice = processor_choice_init(2);
    cpu_set_t before = choice.of_process, now;

    (void)state;
    if (CPU_COUNT(&before) < 2 || !CPU_ISSET(1, &before)) {
        skip(); /* one processor: nothing to choose */
    }
    choice.chosen = 1;
    processor_choice_take(&choice);
    assert_return_code(sched_getaffinity(0, sizeof(now), &now), 0);
    assert_false(CPU_ISSET(0, &now));
    assert_true(CPU_ISSET(1, &now));
    choice.chosen = PROCESSOR_ANY;
    processor_choice_take(&choice);
    assert_return_code(sched_getaffinity(0, sizeof(now), &now), 0);
    assert_true(CPU_EQUAL(&before, &now));
}

static void one_queue_leaves_no_choice(void **state)
{
    struct processor_choice choice = processor_choice_init(1);

    (void)state;
    assert_false(packets_from(&choice, 0, 100, 1000 * MS));
    assert_false(processor_choice_on_beat(&choice, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_where_packets_come_from),
        cmocka_unit_test(a_mixed_load_does_not_move_it),
        cmocka_unit_test(it_does_not_hop),
        cmocka_unit_test(without_packets_it_is_free),
        cmocka_unit_test(a_late_beat_frees_it_for_another),
        cmocka_unit_test(of_many_processors_some_share_a_number),
        cmocka_unit_test(it_never_leaves_what_it_was_allowed),
        cmocka_unit_test(it_is_bound_and_free_again),
        cmocka_unit_test(one_queue_leaves_no_choice),
    };

    return cmocka_run_group_tests_name("processor_choice", tests, NULL, NULL);
}
