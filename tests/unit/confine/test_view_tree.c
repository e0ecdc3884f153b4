#include "shared/confine/view_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/cleanup.h"
#include "tests/support/unit.h"

static enum view_kind kind_of(const struct view_tree *tree, const char *path)
{
    uint32_t index = view_tree_find(tree, path);

    assert_int_not_equal(index, VIEW_NOWHERE);
    return tree->names[index].kind;
}

static void what_is_above_a_name_is_a_directory(void **state)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};

    (void)state;
    assert_int_equal(view_tree_init(&tree), 0);
    assert_int_equal(view_tree_add(&tree, "etc/ssl/certs", VIEW_DIRECTORY, NULL), 0);
    assert_int_equal(view_tree_add(&tree, "etc/passwd", VIEW_FILE, NULL), 0);
    assert_int_equal(kind_of(&tree, "etc"), VIEW_DIRECTORY);
    assert_int_equal(kind_of(&tree, "etc/ssl"), VIEW_DIRECTORY);
    assert_int_equal(view_tree_find(&tree, "etc/shadow"), VIEW_NOWHERE);
    assert_int_equal(view_tree_find(&tree, "etc/passwd/x"), VIEW_NOWHERE);
    assert_int_equal(view_tree_find(&tree, ""), VIEW_ROOT);
}

static void what_is_mounted_takes_the_place_of_what_is_not_there(void **state)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};

    (void)state;
    assert_int_equal(view_tree_init(&tree), 0);
    assert_int_equal(view_tree_add(&tree, "opt", VIEW_ELSEWHERE, NULL), 0);
    assert_int_equal(view_tree_add(&tree, "opt/tool", VIEW_DIRECTORY, NULL), 0);
    assert_int_equal(kind_of(&tree, "opt"), VIEW_DIRECTORY);
    assert_int_equal(view_tree_add(&tree, "opt", VIEW_ELSEWHERE, NULL), 0);
    assert_int_equal(kind_of(&tree, "opt"), VIEW_DIRECTORY);
    assert_int_equal(view_tree_add(&tree, "etc/x", VIEW_ABSENT, NULL), 0);
    assert_int_equal(view_tree_find(&tree, "etc/x"), VIEW_NOWHERE); /* there is no etc so far */
    assert_int_equal(kind_of(&tree, "etc"), VIEW_ABSENT);
    assert_int_equal(view_tree_add(&tree, "etc/x", VIEW_LINK, "y"), 0);
    assert_int_equal(kind_of(&tree, "etc"), VIEW_DIRECTORY);
    assert_int_equal(view_tree_add(&tree, "etc/x", VIEW_ABSENT, NULL), 0);
    assert_int_equal(kind_of(&tree, "etc/x"), VIEW_LINK);
}

static void nothing_lies_below_a_file_or_a_link(void **state)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};

    (void)state;
    assert_int_equal(view_tree_init(&tree), 0);
    assert_int_equal(view_tree_add(&tree, "bin", VIEW_LINK, "usr/bin"), 0);
    assert_int_equal(view_tree_add(&tree, "bin/sh", VIEW_FILE, NULL), -ENOTDIR);
    assert_int_equal(view_tree_add(&tree, "a/../b", VIEW_FILE, NULL), -EINVAL);
    assert_int_equal(view_tree_add(&tree, "a//b", VIEW_FILE, NULL), -EINVAL);
}

static void the_text_form_says_the_same(void **state)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};
    AUTO(view_tree_clear) struct view_tree read = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer again = {0};

    (void)state;
    assert_int_equal(view_tree_init(&tree), 0);
    assert_int_equal(view_tree_add(&tree, "bin", VIEW_LINK, "usr/bin"), 0);
    assert_int_equal(view_tree_add(&tree, "root", VIEW_ELSEWHERE, NULL), 0);
    assert_int_equal(view_tree_add(&tree, "etc/passwd", VIEW_FILE, NULL), 0);
    assert_int_equal(view_tree_add(&tree, "etc/ld.so.preload", VIEW_ABSENT, NULL), 0);
    assert_int_equal(view_tree_print(&tree, &text), 0);
    assert_int_equal(view_tree_parse(text_buffer_view(&text), &read), 0);
    assert_int_equal(read.count, tree.count);
    assert_int_equal(view_tree_print(&read, &again), 0);
    assert_int_equal(again.length, text.length);
    assert_memory_equal(again.bytes, text.bytes, text.length);
    assert_string_equal(read.names[view_tree_find(&read, "bin")].target, "usr/bin");
}

static void a_text_that_is_none_is_refused(void **state)
{
    const struct str_view bad[] = {
        STR_VIEW_LITERAL("d/etc"),        /* no NUL at its end */
        STR_VIEW_LITERAL("x/etc\0"),      /* no such kind */
        STR_VIEW_LITERAL("detc\0"),       /* no absolute path */
        STR_VIEW_LITERAL("d/\0"),         /* the root is always there */
        STR_VIEW_LITERAL("l/bin\0"),      /* a link to nowhere */
        STR_VIEW_LITERAL("l/bin\0\0"),    /* likewise */
        STR_VIEW_LITERAL("f/a\0d/a/b\0"), /* below a file */
        STR_VIEW_LITERAL("d/a/../b\0"),   STR_VIEW_LITERAL("\0"),
    };
    struct view_tree tree = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(view_tree_parse(bad[i], &tree), -EBADMSG);
    }
}

static void it_does_not_grow_for_ever(void **state)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};
    char name[16];
    int error = 0;

    (void)state;
    assert_int_equal(view_tree_init(&tree), 0);
    for (unsigned int i = 0; error == 0 && i <= VIEW_TREE_MAX; i++) {
        snprintf(name, sizeof(name), "%u/n", i); /* each in a directory of its own */
        error = view_tree_add(&tree, i % 2 == 0 ? name : "x", VIEW_FILE, NULL);
    }
    assert_int_equal(error, -E2BIG);
    assert_true(tree.count <= VIEW_TREE_MAX);
}

static void a_path_is_absolute(void **state)
{
    AUTO(view_tree_clear) struct view_tree tree = {0};
    AUTO(text_buffer_clear) struct text_buffer path = {0};

    (void)state;
    assert_int_equal(view_tree_init(&tree), 0);
    assert_int_equal(view_tree_add(&tree, "var/lib", VIEW_DIRECTORY, NULL), 0);
    view_tree_append_path(&tree, view_tree_find(&tree, "var/lib"), STR_VIEW_LITERAL("dpkg"), &path);
    assert_string_equal(text_buffer_text(&path), "/var/lib/dpkg");
    text_buffer_reset(&path);
    view_tree_append_path(&tree, view_tree_find(&tree, "var"), (struct str_view){0}, &path);
    assert_string_equal(text_buffer_text(&path), "/var");
    text_buffer_reset(&path);
    view_tree_append_path(&tree, VIEW_ROOT, STR_VIEW_LITERAL("home"), &path);
    assert_string_equal(text_buffer_text(&path), "/home");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_above_a_name_is_a_directory),
        cmocka_unit_test(what_is_mounted_takes_the_place_of_what_is_not_there),
        cmocka_unit_test(nothing_lies_below_a_file_or_a_link),
        cmocka_unit_test(the_text_form_says_the_same),
        cmocka_unit_test(a_text_that_is_none_is_refused),
        cmocka_unit_test(it_does_not_grow_for_ever),
        cmocka_unit_test(a_path_is_absolute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
