#include "tests/support/unit.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netguard/flow/packet_queue.h"

#define NO_NAMESPACE 77

/* In a network namespace of its own: the numbers are free. Returns the line that does not hold. */
static int numbers_body(void)
{
    struct packet_queue one, fan, again;

    if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
        packet_queue_open(2, 1, &one) < 0) {
        return NO_NAMESPACE;
    }
    if (packet_queue_open(0, 4, &fan) != -EPERM) { /* number 2 is somebody else's */
        return __LINE__;
    }
    if (packet_queue_open(0, 2, &fan) != 0) { /* 0 and 1 were not kept */
        return __LINE__;
    }
    if (packet_queue_open(1, 1, &again) != -EPERM) { /* and now they are bound, both */
        return __LINE__;
    }
    packet_queue_close(&fan);
    packet_queue_close(&one);
    if (packet_queue_open(0, 4, &fan) != 0) {
        return __LINE__;
    }
    packet_queue_close(&fan);
    return 0;
}

static void all_numbers_or_none(void **state)
{
    pid_t pid = fork();
    int status = 0;

    (void)state;
    if (pid == 0) {
        _exit(numbers_body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE) {
        skip();
    }
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

static void there_are_no_more_than_processors(void **state)
{
    (void)state;
    assert_in_range(packet_queue_numbers(), 1, PACKET_QUEUES_MAX);
    assert_true(packet_queue_numbers() <= sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_numbers_or_none),
        cmocka_unit_test(there_are_no_more_than_processors),
    };

    return cmocka_run_group_tests_name("packet_queue", tests, NULL, NULL);
}
