/* What doctor says of AppArmor and SELinux, from trees that look like such systems' /proc and /sys.
 */
#include "cli/doctor/security_modules.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "tests/support/unit.h"

#define ENABLED    "/sys/module/apparmor/parameters/enabled"
#define RESTRICTED "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
#define PROFILE    "/proc/self/attr/apparmor/current"
#define ENFORCE    "/sys/fs/selinux/enforce"
#define CONTEXT    "/proc/self/attr/current"

struct tree {
    char root[64];
};

static void put(const struct tree *tree, const char *path, const char *text)
{
    char whole[PATH_MAX];
    AUTO_CLOSE int file = -1;

    snprintf(whole, sizeof(whole), "%s%s", tree->root, path);
    for (char *slash = strchr(whole + strlen(tree->root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(whole, 0700);
        *slash = '/';
    }
    file = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write_all(file, text, strlen(text)), 0);
}

static int setup(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));

    assert_non_null(tree);
    snprintf(tree->root, sizeof(tree->root), "/tmp/unit_security_modules.XXXXXX");
    assert_non_null(mkdtemp(tree->root));
    *state = tree;
    return 0;
}

static int teardown(void **state)
{
    struct probe_scratch scratch = {0};
    struct tree *tree = *state;

    memcpy(scratch.directory, tree->root, sizeof(tree->root));
    probe_scratch_remove(&scratch);
    free(tree);
    return 0;
}

static void test_neither_is_there(void **state)
{
    const struct tree *tree = *state;

    assert_false(apparmor_restricts(tree->root));
    assert_int_equal(apparmor_probe(tree->root, false).state, PROBE_OK);
    assert_string_equal(apparmor_probe(tree->root, false).found, "not in force");
    assert_int_equal(selinux_probe(tree->root).state, PROBE_OK);
    assert_string_equal(selinux_probe(tree->root).found, "not in force");
}

static void test_apparmor_without_the_restriction(void **state)
{
    const struct tree *tree = *state;

    put(tree, ENABLED, "Y\n");
    assert_int_equal(apparmor_probe(tree->root, false).state, PROBE_OK);
    put(tree, RESTRICTED, "0\n");
    assert_int_equal(apparmor_probe(tree->root, false).state, PROBE_OK);
    assert_false(apparmor_restricts(tree->root));
}

static void test_apparmor_restricts(void **state)
{
    const struct tree *tree = *state;
    struct probe_result found;

    put(tree, ENABLED, "Y\n");
    put(tree, RESTRICTED, "1\n");
    put(tree, PROFILE, "unconfined\n");
    assert_true(apparmor_restricts(tree->root));
    found = apparmor_probe(tree->root, false);
    assert_int_equal(found.state, PROBE_MISSING);
    assert_non_null(strstr(found.mend, "apparmor_parser -r /etc/apparmor.d/failcore"));
    assert_non_null(strstr(found.mend, "share/failcore/apparmor/failcore"));
    assert_int_equal(apparmor_probe(tree->root, true).state, PROBE_WEAK);

    /* Another profile whose name begins like ours is not ours. */
    put(tree, PROFILE, "failcore-like (enforce)\n");
    assert_int_equal(apparmor_probe(tree->root, false).state, PROBE_MISSING);

    put(tree, PROFILE, "failcore (unconfined)\n");
    assert_int_equal(apparmor_probe(tree->root, false).state, PROBE_OK);
}

static void test_selinux(void **state)
{
    const struct tree *tree = *state;
    struct probe_result found;

    put(tree, ENFORCE, "0");
    assert_int_equal(selinux_probe(tree->root).state, PROBE_OK);
    put(tree, ENFORCE, "1");
    put(tree, CONTEXT, "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023");
    found = selinux_probe(tree->root);
    assert_int_equal(found.state, PROBE_OK);
    assert_non_null(strstr(found.mend, "ausearch -m avc"));
    put(tree, CONTEXT, "system_u:system_r:init_t:s0");
    found = selinux_probe(tree->root);
    assert_int_equal(found.state, PROBE_WEAK);
    assert_non_null(strstr(found.found, "init_t"));
    assert_non_null(strstr(found.mend, "audit2allow"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_neither_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_apparmor_without_the_restriction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_apparmor_restricts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_selinux, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
