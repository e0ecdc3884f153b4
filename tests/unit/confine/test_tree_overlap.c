#include "tests/support/unit.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/confine/tree_overlap.h"

static char top[] = "/tmp/failcore-overlap.XXXXXX";

static const char *below(const char *path)
{
    static char texts[4][PATH_MAX];
    static unsigned int next;
    char *text = texts[next++ % 4];

    snprintf(text, PATH_MAX, "%s/%s", top, path);
    return text;
}

static int make_tree(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL || mkdir(below("a"), 0700) < 0 || mkdir(below("a/b"), 0700) < 0 ||
           mkdir(below("ab"), 0700) < 0 || symlink("a/b", below("link")) < 0;
}

static int remove_tree(void **state)
{
    (void)state;
    unlink(below("link"));
    rmdir(below("ab"));
    rmdir(below("a/b"));
    rmdir(below("a"));
    return rmdir(top);
}

static void assert_relation(const char *a, const char *b, enum tree_relation wanted)
{
    enum tree_relation relation = TREE_SAME;

    assert_int_equal(tree_relation_of_paths(a, b, &relation), 0);
    assert_int_equal(relation, wanted);
}

static void the_four_relations(void **state)
{
    (void)state;
    assert_relation(below("a"), below("a"), TREE_SAME);
    assert_relation(below("a"), below("a/b"), TREE_ABOVE);
    assert_relation(below("a/b"), below("a"), TREE_BELOW);
    assert_relation(below("a"), below("ab"), TREE_DISJOINT);
    assert_relation("/", below("a/b"), TREE_ABOVE);
    assert_relation(below("a/b"), "/", TREE_BELOW);
}

static void spelling_and_links_hide_nothing(void **state)
{
    (void)state;
    assert_relation(below("a//./b/../b/"), below("a/b"), TREE_SAME);
    assert_relation(below("link"), below("a"), TREE_BELOW);
    assert_relation(below("a"), below("link"), TREE_ABOVE);
}

/* As an ordinary user that may not even search the one directory. */
static int unsearchable_body(void)
{
    enum tree_relation relation = TREE_SAME;

    if (setresgid(64123, 64123, 64123) < 0 || setresuid(64123, 64123, 64123) < 0) {
        return 1;
    }
    if (tree_relation_of_paths(below("a/b"), below("ab"), &relation) < 0 ||
        relation != TREE_DISJOINT) {
        return 2;
    }
    return tree_relation_of_paths(below("ab"), top, &relation) < 0 || relation != TREE_BELOW ? 3
                                                                                             : 0;
}

static void a_directory_that_may_not_be_searched_is_compared_too(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0) {
        skip(); /* needs root to become somebody else */
    }
    assert_int_equal(chmod(top, 0755), 0);
    assert_int_equal(chmod(below("a"), 0755), 0);
    assert_int_equal(chmod(below("a/b"), 0755), 0);
    pid = fork();
    if (pid == 0) {
        _exit(unsearchable_body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_does_not_exist_yet_is_where_it_would_be(void **state)
{
    (void)state;
    assert_relation(below("a/b/new/deep"), below("a"), TREE_BELOW);
    assert_relation(below("a"), below("a/new"), TREE_ABOVE);
    assert_relation(below("a/new"), below("a/b"), TREE_DISJOINT);
    assert_relation(below("a/new"), below("a/new"), TREE_SAME);
    assert_relation(below("new"), below("a"), TREE_DISJOINT);
}

/* In a mount namespace of its own: a/b is also seen at `ab`. */
static int bound_body(void)
{
    enum tree_relation relation = TREE_DISJOINT;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(below("a/b"), below("ab"), NULL, MS_BIND, NULL) < 0 ||
        mkdir(below("ab/deep er"), 0700) < 0) {
        return 1;
    }
    if (tree_relation_of_paths(below("a"), below("ab"), &relation) < 0 || relation != TREE_ABOVE) {
        return 2;
    }
    if (tree_relation_of_paths(below("ab/deep er"), below("a"), &relation) < 0 ||
        relation != TREE_BELOW) {
        return 3;
    }
    if (tree_relation_of_paths(below("a"), below("ab/new"), &relation) < 0 ||
        relation != TREE_ABOVE) {
        return 4;
    }
    return rmdir(below("a/b/deep er")) < 0 ? 5 : 0;
}

static void a_bind_mount_of_a_part_hides_nothing(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0) {
        skip(); /* needs root to mount */
    }
    pid = fork();
    if (pid == 0) {
        _exit(bound_body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_relations),
        cmocka_unit_test(spelling_and_links_hide_nothing),
        cmocka_unit_test(a_directory_that_may_not_be_searched_is_compared_too),
        cmocka_unit_test(a_bind_mount_of_a_part_hides_nothing),
        cmocka_unit_test(what_does_not_exist_yet_is_where_it_would_be),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
