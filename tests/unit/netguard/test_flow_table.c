#include "tests/support/unit.h"

#include "netguard/flow/flow_table.h"

static int make_table(void **state)
{
    *state = flow_table_new();
    return *state == NULL;
}

static int free_table(void **state)
{
    flow_table_free(*state);
    return 0;
}

static struct flow_key key_numbered(unsigned int number)
{
    return (struct flow_key){.agent = {.family = IP_V4, .bytes = {10, 77, 0, 2}},
                             .remote = {.family = IP_V4, .bytes = {93, 184, 216, 10}},
                             .agent_port = (uint16_t)number,
                             .remote_port = (uint16_t)(number >> 16),
                             .protocol = NET_TCP};
}

static void a_flow_is_found_by_its_key(void **state)
{
    struct flow_key key = key_numbered(5), other = key_numbered(6);
    struct flow *flow = flow_table_add(*state, &key);

    assert_non_null(flow);
    assert_int_equal(flow->state, FLOW_NONE);
    assert_ptr_equal(flow_table_find(*state, &key), flow);
    assert_null(flow_table_find(*state, &other));
    other = key;
    other.protocol = NET_UDP;
    assert_null(flow_table_find(*state, &other));
    flow_table_remove(*state, flow);
    assert_null(flow_table_find(*state, &key));
}

static void a_full_table_takes_no_more(void **state)
{
    struct flow_key key;

    for (unsigned int i = 0; i < FLOWS_MAX; i++) {
        struct flow *flow;

        key = key_numbered(i);
        flow = flow_table_add(*state, &key);
        assert_non_null(flow);
        if (i % 2 == 0) {
            flow_table_release(*state, flow);
        }
    }
    key = key_numbered(FLOWS_MAX);
    assert_false(flow_table_has_room(*state, &key));
    assert_null(flow_table_add(*state, &key));
    assert_int_equal(flow_table_count(*state), FLOWS_MAX);
    /* One in the place of another of the same key is none more. */
    key = key_numbered(7);
    assert_true(flow_table_has_room(*state, &key));
    assert_non_null(flow_table_add(*state, &key));
    key = key_numbered(8);
    flow_table_remove(*state, flow_table_find(*state, &key));
    key = key_numbered(FLOWS_MAX);
    assert_non_null(flow_table_add(*state, &key));
}

static void held_streams_are_bounded(void **state)
{
    struct flow_key key;
    struct flow *flow = NULL;

    for (unsigned int i = 0; i < FLOWS_HELD_MAX; i++) {
        key = key_numbered(i);
        flow = flow_table_add(*state, &key);
        assert_true(flow_table_hold(*state, flow, 1));
    }
    key = key_numbered(FLOWS_HELD_MAX);
    assert_false(flow_table_hold(*state, flow_table_add(*state, &key), 1));
    flow_table_release(*state, flow);
    assert_int_equal(flow_table_held(*state), FLOWS_HELD_MAX - 1);
    assert_true(flow_table_hold(*state, flow_table_find(*state, &key), 1));
}

static bool count_visit(void *context, struct flow *flow)
{
    (void)context;
    flow->judged_bytes++;
    return true;
}

static size_t visits_of(const struct flow_table *table, unsigned int flows, size_t *ret_most)
{
    size_t sum = 0;

    *ret_most = 0;
    for (unsigned int i = 0; i < flows; i++) {
        struct flow_key key = key_numbered(i);
        size_t visits = flow_table_find(table, &key)->judged_bytes;

        sum += visits;
        *ret_most = visits > *ret_most ? visits : *ret_most;
    }
    return sum;
}

static void walks_come_to_every_flow_in_turn(void **state)
{
    const unsigned int flows = 3000, enough = 500;
    size_t place = 0, before = 0, visits = 0, most = 0;

    for (unsigned int i = 0; i < flows; i++) {
        struct flow_key key = key_numbered(i);

        assert_non_null(flow_table_add(*state, &key));
    }
    /* A walk ends with a bucket: some flows more than enough. */
    for (unsigned int walk = 0; walk < 5; walk++) {
        flow_table_walk(*state, &place, enough, count_visit, NULL);
        visits = visits_of(*state, flows, &most);
        assert_in_range(visits - before, enough, enough + 20);
        assert_int_equal(most, 1);
        before = visits;
    }
    /* The rest, and then the first ones again. */
    flow_table_walk(*state, &place, flows - visits, count_visit, NULL);
    assert_int_equal(visits_of(*state, flows, &most), flows);
    assert_int_equal(most, 1);
    flow_table_walk(*state, &place, SIZE_MAX, count_visit, NULL);
    assert_int_equal(visits_of(*state, flows, &most), 2 * flows);
    assert_int_equal(most, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flow_is_found_by_its_key, make_table, free_table),
        cmocka_unit_test_setup_teardown(a_full_table_takes_no_more, make_table, free_table),
        cmocka_unit_test_setup_teardown(held_streams_are_bounded, make_table, free_table),
        cmocka_unit_test_setup_teardown(walks_come_to_every_flow_in_turn, make_table, free_table),
    };

    return cmocka_run_group_tests_name("flow_table", tests, NULL, NULL);
}
