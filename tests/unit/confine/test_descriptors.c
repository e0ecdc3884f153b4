#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/confine/descriptors.h"

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static int run_in_child(int (*body)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        _exit(body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int close_body(void)
{
    int kept[] = {41, -1, 2, 40, 41};

    for (int fd = 30; fd < 50; fd++) {
        if (dup3(2, fd, O_CLOEXEC) < 0) {
            return 1;
        }
    }
    if (descriptors_close_except(kept, 5) != 0) {
        return 2;
    }
    for (int fd = 0; fd < 60; fd++) {
        if (is_open(fd) != (fd == 2 || fd == 40 || fd == 41)) {
            return 3;
        }
    }
    return 0;
}

static int close_all_body(void)
{
    if (descriptors_close_except(NULL, 0) != 0) {
        return 1;
    }
    for (int fd = 0; fd < 60; fd++) {
        if (is_open(fd)) {
            return 2;
        }
    }
    return 0;
}

static void none_is_named_and_none_stays(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(close_all_body), 0);
}

static void only_the_named_ones_stay_open(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(close_body), 0);
}

static void too_many_to_keep_is_refused_whole(void **state)
{
    int kept[DESCRIPTORS_KEPT_MAX + 1] = {0};

    (void)state;
    assert_int_equal(descriptors_close_except(kept, DESCRIPTORS_KEPT_MAX + 1), -E2BIG);
    assert_true(is_open(1));
}

static int fill_body(void)
{
    close(0);
    close(2);
    if (descriptors_fill_standard() != 0) {
        return 1;
    }
    return is_open(0) && is_open(1) && is_open(2) && (fcntl(0, F_GETFD) & FD_CLOEXEC) == 0 ? 0 : 2;
}

static void closed_standard_descriptors_become_null(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(fill_body), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_named_and_none_stays),
        cmocka_unit_test(only_the_named_ones_stay_open),
        cmocka_unit_test(too_many_to_keep_is_refused_whole),
        cmocka_unit_test(closed_standard_descriptors_become_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
