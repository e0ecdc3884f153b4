#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/confine/landlock.h"
#include "shared/confine/privileges.h"

static char top[] = "/tmp/failcore-landlock.XXXXXX";

static int make_tree(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL || chdir(top) < 0 || mkdir("open", 0700) < 0 ||
           mkdir("shut", 0700) < 0 || close(open("shut/file", O_CREAT | O_CLOEXEC, 0600)) < 0;
}

static int remove_tree(void **state)
{
    (void)state;
    unlink("open/new");
    unlink("shut/file");
    rmdir("open");
    rmdir("shut");
    return rmdir(top);
}

/* The first thing that is not as it should be. */
static int confined_body(void)
{
    const struct landlock_tree trees[] = {
        {"/", LANDLOCK_READ}, {"open", LANDLOCK_WRITE}, {"absent", LANDLOCK_WRITE}};

    if (privileges_forbid_new() < 0 || landlock_restrict(trees, 3) < 0) {
        return 1;
    }
    if (open("shut/file", O_RDONLY | O_CLOEXEC) < 0) {
        return 2;
    }
    if (open("shut/file", O_WRONLY | O_CLOEXEC) >= 0 || errno != EACCES) {
        return 3;
    }
    if (open("shut/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0 || errno != EACCES) {
        return 4;
    }
    if (open("open/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0) {
        return 5;
    }
    if (truncate("shut/file", 0) >= 0 && landlock_abi() >= 3) {
        return 6;
    }
    if (rename("shut/file", "open/file") >= 0 || unlink("shut/file") >= 0) {
        return 7;
    }
    if (landlock_abi() >= LANDLOCK_ABI_WHOLE && (kill(getppid(), 0) >= 0 || errno != EPERM)) {
        return 8;
    }
    return 0;
}

/* Files stay as they are; nobody outside hears a signal. */
static int scoped_body(void)
{
    if (privileges_forbid_new() < 0 || landlock_restrict_scopes() < 0) {
        return 1;
    }
    if (kill(getppid(), 0) >= 0 || errno != EPERM) {
        return 2;
    }
    if (open("shut/file", O_WRONLY | O_CLOEXEC) < 0) {
        return 3;
    }
    return 0;
}

static void in_child(int (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void only_the_named_trees_can_be_written(void **state)
{
    (void)state;
    if (landlock_abi() == 0) {
        print_message("needs Landlock in the kernel\n");
        skip();
    }
    in_child(confined_body);
}

static void scopes_alone_leave_files_as_they_are(void **state)
{
    (void)state;
    if (landlock_abi() < LANDLOCK_ABI_WHOLE) {
        print_message("needs the scopes of Landlock in the kernel\n");
        skip();
    }
    in_child(scoped_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_named_trees_can_be_written),
        cmocka_unit_test(scopes_alone_leave_files_as_they_are),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
