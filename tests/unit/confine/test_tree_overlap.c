#include "tests/support/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
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

static void what_does_not_exist_yet_is_where_it_would_be(void **state)
{
    (void)state;
    assert_relation(below("a/b/new/deep"), below("a"), TREE_BELOW);
    assert_relation(below("a"), below("a/new"), TREE_ABOVE);
    assert_relation(below("a/new"), below("a/b"), TREE_DISJOINT);
    assert_relation(below("a/new"), below("a/new"), TREE_SAME);
    assert_relation(below("new"), below("a"), TREE_DISJOINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_relations),
        cmocka_unit_test(spelling_and_links_hide_nothing),
        cmocka_unit_test(what_does_not_exist_yet_is_where_it_would_be),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
