/* Which file systems fold names: by their number, and by trial on directories that do not. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/name_folding.h"
#include "tests/support/unit.h"

static void test_types(void **state)
{
    (void)state;
    assert_true(name_folding_by_type(0x4d44));      /* vfat */
    assert_true(name_folding_by_type(0x2011bab0));  /* exfat */
    assert_true(name_folding_by_type(0x5346544e));  /* ntfs */
    assert_true(name_folding_by_type(0xff534d42));  /* cifs */
    assert_true(name_folding_by_type(0xfe534d42));  /* smb2 */
    assert_true(name_folding_by_type(0x482b));      /* hfsplus */
    assert_false(name_folding_by_type(0xef53));     /* ext4 */
    assert_false(name_folding_by_type(0x01021994)); /* tmpfs */
    assert_false(name_folding_by_type(0x9123683e)); /* btrfs */
    assert_false(name_folding_by_type(0x58465342)); /* xfs */
}

static void make(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void test_directories_that_do_not(void **state)
{
    char path[] = "/tmp/failcore-folding.XXXXXX";
    int directory;

    (void)state;
    assert_non_null(mkdtemp(path));
    directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(directory >= 0);
    assert_int_equal(name_folding_of(directory), 0);
    make(directory, "name");
    make(directory, "1");
    assert_int_equal(name_folding_of(directory), 0);
    /* Two names of one file that differ in case are two names. */
    assert_int_equal(linkat(directory, "name", directory, "NAME", 0), 0);
    assert_int_equal(name_folding_of(directory), 0);
    unlinkat(directory, "name", 0);
    unlinkat(directory, "NAME", 0);
    unlinkat(directory, "1", 0);
    close(directory);
    rmdir(path);
    assert_true(name_folding_of(-1) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_directories_that_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
