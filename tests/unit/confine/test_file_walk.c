#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/confine/file_walk.h"

static char top[] = "/tmp/failcore-walk.XXXXXX";

struct found {
    char paths[16][PATH_MAX];
    bool links[16];
    size_t count;
    int answer; /* to the first */
};

static const char *below(const char *name)
{
    static char text[PATH_MAX];

    snprintf(text, sizeof(text), "%s/%s", top, name);
    return text;
}

static int make_tree(void **state)
{
    static const char *const files[] = {"one", "a/two", "a/b/three"};

    (void)state;
    if (mkdtemp(top) == NULL || mkdir(below("a"), 0700) < 0 || mkdir(below("a/b"), 0700) < 0 ||
        symlink("a", below("link")) < 0 || mkfifo(below("a/fifo"), 0600) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        int fd = open(below(files[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0) {
            return -1;
        }
        close(fd);
    }
    return 0;
}

static int remove_tree(void **state)
{
    static const char *const names[] = {"a/b/three", "a/fifo", "a/two", "one", "link"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(below(names[i]));
    }
    rmdir(below("a/b"));
    rmdir(below("a"));
    return rmdir(top);
}

static int note(void *context, const struct walked_file *file)
{
    struct found *found = context;
    struct stat by_path;
    struct stat by_name;

    assert_true(found->count < 16);
    assert_int_equal(lstat(file->path, &by_path), 0);
    assert_int_equal(fstatat(file->directory, file->name, &by_name, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(by_path.st_ino, by_name.st_ino);
    assert_true(file->inode == 0 || file->inode == by_path.st_ino);
    snprintf(found->paths[found->count], PATH_MAX, "%s", file->path);
    found->links[found->count++] = file->is_link;
    return found->answer;
}

static bool has(const struct found *found, const char *name, bool is_link)
{
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->paths[i], below(name)) == 0) {
            return found->links[i] == is_link;
        }
    }
    return false;
}

static void files_and_links_and_nothing_else(void **state)
{
    struct found found = {.count = 0};

    (void)state;
    assert_int_equal(file_walk(top, note, &found), 0);
    assert_int_equal(found.count, 4);
    assert_true(has(&found, "one", false));
    assert_true(has(&found, "a/two", false));
    assert_true(has(&found, "a/b/three", false));
    assert_true(has(&found, "link", true)); /* and not what is below it */
}

static void the_walker_ends_it(void **state)
{
    struct found found = {.answer = -E2BIG};

    (void)state;
    assert_int_equal(file_walk(top, note, &found), -E2BIG);
    assert_int_equal(found.count, 1);
}

static void what_is_not_there_has_no_files(void **state)
{
    struct found found = {.count = 0};

    (void)state;
    assert_int_equal(file_walk("/nonexistent", note, &found), 0);
    assert_int_equal(file_walk(below("link"), note, &found), 0); /* a link is not walked into */
    assert_int_equal(found.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_links_and_nothing_else),
        cmocka_unit_test(the_walker_ends_it),
        cmocka_unit_test(what_is_not_there_has_no_files),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
