#include "tests/support/unit.h"

#include "netguard/flow/queue_patience.h"

#define US 1000U

/* A packet that comes `after_us` later and is judged in 5 us. */
static uint64_t packet_after(struct queue_patience *patience, uint64_t now_ns, uint64_t after_us)
{
    now_ns += after_us * US;
    queue_patience_on_packet(patience, now_ns);
    now_ns += 5 * US;
    queue_patience_on_verdict(patience, now_ns);
    return now_ns;
}

static void a_first_packet_is_not_followed(void **state)
{
    struct queue_patience patience = queue_patience_init(2);
    uint64_t now = packet_after(&patience, 0, 30);

    (void)state;
    assert_false(queue_patience_lasts(&patience, now));
}

static void a_quick_second_is(void **state)
{
    struct queue_patience patience = queue_patience_init(2);
    uint64_t now = packet_after(&patience, 1000000 * US, 0);

    (void)state;
    now = packet_after(&patience, now, 30);
    assert_true(queue_patience_lasts(&patience, now));
    assert_true(queue_patience_lasts(&patience, now + QUEUE_PATIENCE_NS - 1));
    assert_false(queue_patience_lasts(&patience, now + QUEUE_PATIENCE_NS));
}

static void a_slow_one_ends_it(void **state)
{
    struct queue_patience patience = queue_patience_init(2);
    uint64_t now = packet_after(&patience, 1000000 * US, 0);

    (void)state;
    now = packet_after(&patience, now, 30);
    now = packet_after(&patience, now, 1000);
    assert_false(queue_patience_lasts(&patience, now));
    now = packet_after(&patience, now, 1000);
    assert_false(queue_patience_lasts(&patience, now));
}

static void looks_in_vain_become_rare(void **state)
{
    struct queue_patience patience = queue_patience_init(2);
    uint64_t now = packet_after(&patience, 1000000 * US, 0);
    unsigned int looks = 0;

    (void)state;
    for (unsigned int i = 0; i < 1000; i++) {
        now = packet_after(&patience, now, 30);
        if (queue_patience_lasts(&patience, now)) {
            looks++;
            now += QUEUE_PATIENCE_NS;
            assert_false(queue_patience_lasts(&patience, now));
            now -= QUEUE_PATIENCE_NS; /* or else the next packet would be a late one */
        }
    }
    assert_in_range(looks, 8, 16);
    /* One that is not in vain, and it looks for each again. */
    while (!queue_patience_lasts(&patience, now)) {
        now = packet_after(&patience, now, 30);
    }
    for (unsigned int i = 0; i < 100; i++) {
        now = packet_after(&patience, now, 30);
        assert_true(queue_patience_lasts(&patience, now));
    }
}

static void a_crowd_ends_it_for_a_while(void **state)
{
    struct queue_patience patience = queue_patience_init(2);
    uint64_t now = packet_after(&patience, 1000000 * US, 0);

    (void)state;
    now = packet_after(&patience, now, 30);
    queue_patience_on_turn(&patience, now, now + 40 * US); /* the client had its turn */
    assert_true(queue_patience_lasts(&patience, now + 40 * US));
    queue_patience_on_turn(&patience, now, now + 3000 * US);
    now += 3000 * US;
    assert_false(queue_patience_lasts(&patience, now));
    now = packet_after(&patience, now, 10);
    now = packet_after(&patience, now, 10);
    assert_false(queue_patience_lasts(&patience, now));
    now = packet_after(&patience, now + QUEUE_PATIENCE_REST_NS, 10);
    now = packet_after(&patience, now, 10);
    assert_true(queue_patience_lasts(&patience, now));
}

static void one_processor_never_waits(void **state)
{
    struct queue_patience patience = queue_patience_init(1);
    uint64_t now = packet_after(&patience, 1000000 * US, 0);

    (void)state;
    now = packet_after(&patience, now, 10);
    assert_false(queue_patience_lasts(&patience, now));
    patience = queue_patience_init(-1); /* not known */
    now = packet_after(&patience, now, 10);
    now = packet_after(&patience, now, 10);
    assert_false(queue_patience_lasts(&patience, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_packet_is_not_followed),
        cmocka_unit_test(a_quick_second_is),
        cmocka_unit_test(a_slow_one_ends_it),
        cmocka_unit_test(looks_in_vain_become_rare),
        cmocka_unit_test(a_crowd_ends_it_for_a_while),
        cmocka_unit_test(one_processor_never_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
