#include "tests/support/unit.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/scheduling.h"

/* The kernel's struct sched_attr, whose header and the C library's exclude each other. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

static struct attributes own(void)
{
    struct attributes attributes = {0};

    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
    return attributes;
}

static void a_slice_changes_nothing_else(void **state)
{
    const int nice = getpriority(PRIO_PROCESS, 0) + 1; /* who is nice already may only be nicer */
    struct attributes before;
    struct attributes after;

    (void)state;
    assert_int_equal(setpriority(PRIO_PROCESS, 0, nice), 0);
    before = own();
    scheduling_answer_soon();
    after = own();
    assert_int_equal(after.policy, SCHED_OTHER);
    assert_int_equal(after.nice, before.nice);
    assert_int_equal(after.flags, before.flags);
    if (before.runtime == 0) {
        print_message("slices: not in this kernel (6.12)\n");
        return;
    }
    assert_int_equal(after.runtime, 100000);
}

/* Whoever gives way altogether (SCHED_IDLE) goes on doing so. */
static void another_policy_stays(void **state)
{
    const struct sched_param none = {0};

    (void)state;
    assert_int_equal(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    scheduling_answer_soon();
    assert_int_equal(own().policy, SCHED_IDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_changes_nothing_else),
        cmocka_unit_test(another_policy_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
