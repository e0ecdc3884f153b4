#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fusefs/descriptor_cache.h"
#include "fusefs/node_table.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

static struct node_table table;
static struct descriptor_cache descriptors;

static struct policy *load(const char *text)
{
    char path[] = "/tmp/failcore-policy.XXXXXX.yaml";
    struct failure failure = {0};
    struct policy *policy = NULL;
    AUTO_CLOSE int fd = mkostemps(path, 5, O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write_all(fd, text, strlen(text)), 0);
    if (policy_load((const char *const[]){path}, 1, &policy, &failure) < 0) {
        fail_msg("%s (%s)", failure.what, failure.needed);
    }
    unlink(path);
    return policy;
}

static struct statx object(uint64_t inode, mode_t type, unsigned int links)
{
    return (struct statx){
        .stx_mask = STATX_BASIC_STATS | STATX_BTIME,
        .stx_ino = inode,
        .stx_mode = (uint16_t)(type | 0700),
        .stx_nlink = links,
        .stx_btime = {.tv_sec = 7},
    };
}

static int begin(void **state)
{
    struct statx root = object(2, S_IFDIR, 2);
    struct policy *policy = load("version: 1\nname: t\nfilesystem:\n  default: allow\n  rules:\n"
                                 "    - {id: deny, action: deny, paths: [\"**/secret\"]}\n");

    (void)state;
    descriptor_cache_init(&descriptors, 4);
    assert_int_equal(node_table_init(&table, policy, &root, &descriptors), 0);
    policy_unref(policy);
    return 0;
}

static int end(void **state)
{
    (void)state;
    node_table_clear(&table);
    return 0;
}

static struct node *enter(struct node *directory, const char *name, const struct statx *status)
{
    struct policy *policy;
    uint64_t epoch;
    const struct policy_state *above =
        node_table_directory_state(&table, directory, &policy, &epoch);
    const struct policy_state *below = policy_path_step(policy, above, str_view_from(name));
    struct node *node = NULL;

    assert_int_equal(
        node_table_enter(&table, directory, str_view_from(name), below, epoch, status, &node), 0);
    policy_state_unref(below);
    policy_state_unref(above);
    policy_unref(policy);
    node_table_unpin(&table, node); /* the kernel's reference keeps it */
    return node;
}

static bool may_read(const struct node *node)
{
    enum fs_operation operation;

    return decision_permits(node_table_decide(&table, node, 1u << FS_READ, &operation, NULL));
}

static void the_same_object_is_the_same_node(void **state)
{
    struct statx file = object(10, S_IFREG, 1);
    struct statx again = object(10, S_IFREG, 1);
    struct node *first = enter(table.root, "a", &file);
    uint64_t id = first->id;

    (void)state;
    assert_ptr_equal(enter(table.root, "a", &file), first);
    again.stx_btime.tv_sec = 8; /* the number was used again by another file */
    assert_ptr_not_equal(enter(table.root, "a", &again), first);
    node_table_forget(&table, id, 2);
    assert_null(node_table_pin(&table, id));
    assert_null(node_table_pin(&table, id + (1ull << 32)));
    assert_null(node_table_pin(&table, UINT64_MAX));
}

static void forgetting_more_than_was_given_is_harmless(void **state)
{
    struct statx file = object(11, S_IFREG, 1);
    uint64_t id = enter(table.root, "b", &file)->id;

    (void)state;
    node_table_forget(&table, id, UINT64_MAX);
    node_table_forget(&table, id, UINT64_MAX);
    node_table_forget(&table, NODE_ROOT_ID, UINT64_MAX);
    assert_null(node_table_pin(&table, id));
    assert_non_null(node_table_pin(&table, NODE_ROOT_ID));
    node_table_unpin(&table, table.root);
}

static void every_name_of_a_hard_link_counts(void **state)
{
    struct statx file = object(12, S_IFREG, 2);
    struct node *node = enter(table.root, "open", &file);
    uint64_t id = node->id;

    (void)state;
    assert_true(may_read(node));
    assert_ptr_equal(enter(table.root, "secret", &file), node);
    assert_false(may_read(node));
    /* Also when the kernel forgets it: the denied name must not be. */
    node_table_forget(&table, id, 2);
    node = node_table_pin(&table, id);
    assert_non_null(node);
    assert_false(may_read(node));
    node_table_unpin(&table, node);
    node_table_remove_name(&table, table.root, STR_VIEW_LITERAL("secret"));
    assert_true(node_table_pin(&table, id) == NULL);
}

static void an_open_file_keeps_its_last_name(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct statx directory = object(20, S_IFDIR, 2);
    struct statx file = object(21, S_IFREG, 1);
    struct node *d = enter(table.root, "d", &directory);
    struct node *node = enter(d, "f", &file);

    (void)state;
    node_table_append_path(&table, d, STR_VIEW_LITERAL("new"), &path);
    assert_string_equal(text_buffer_text(&path), "d/new");
    node_table_remove_name(&table, d, STR_VIEW_LITERAL("f"));
    assert_int_equal(node_table_name_count(&table, node), 0);
    assert_true(may_read(node));
    text_buffer_reset(&path);
    node_table_append_path(&table, node, (struct str_view){0}, &path);
    assert_non_null(strstr(text_buffer_text(&path), "d/f"));
}

static void a_rename_takes_the_rules_of_the_new_name(void **state)
{
    struct statx file = object(30, S_IFREG, 1);
    struct node *node = enter(table.root, "x", &file);
    uint64_t epoch;
    struct policy *policy;
    const struct policy_state *above =
        node_table_directory_state(&table, table.root, &policy, &epoch);
    const struct policy_state *to = policy_path_step(policy, above, STR_VIEW_LITERAL("secret"));

    (void)state;
    node_table_move_name(&table, table.root, STR_VIEW_LITERAL("x"), table.root,
                         STR_VIEW_LITERAL("secret"), to, epoch);
    assert_false(may_read(node));
    policy_state_unref(to);
    policy_state_unref(above);
    policy_unref(policy);
}

static void a_new_policy_judges_every_name_again(void **state)
{
    struct statx directory = object(40, S_IFDIR, 2);
    struct statx file = object(41, S_IFREG, 1);
    struct node *d = enter(table.root, "deep", &directory);
    struct node *node = enter(d, "f", &file);
    struct policy *policy = load("version: 1\nname: n\nfilesystem:\n  default: allow\n  rules:\n"
                                 "    - {id: no, action: deny, paths: [\"deep/f\"]}\n");

    (void)state;
    assert_true(may_read(node));
    node_table_set_policy(&table, policy);
    policy_unref(policy);
    assert_false(may_read(node));
    assert_true(may_read(d));
}

/* The rename was judged and done under the first policy, its name is put down under the second. */
static void a_rename_across_a_reload_takes_the_rules_of_the_new_policy(void **state)
{
    struct statx directory = object(50, S_IFDIR, 2);
    struct statx file = object(51, S_IFREG, 1);
    struct node *d = enter(table.root, "here", &directory);
    struct node *below = enter(d, "f", &file);
    uint64_t epoch;
    struct policy *first;
    const struct policy_state *above =
        node_table_directory_state(&table, table.root, &first, &epoch);
    const struct policy_state *to = policy_path_step(first, above, STR_VIEW_LITERAL("there"));
    const struct policy_state *own;
    uint64_t before;
    struct policy *second = load("version: 1\nname: n\nfilesystem:\n  default: allow\n  rules:\n"
                                 "    - {id: no, action: deny, paths: [\"there/**\"]}\n");
    struct policy *third = load("version: 1\nname: n\nfilesystem:\n  default: allow\n  rules:\n"
                                "    - {id: no, action: deny, paths: [\"here\", \"here/**\"]}\n");

    (void)state;
    node_table_set_policy(&table, second);
    policy_unref(second);
    node_table_move_name(&table, table.root, STR_VIEW_LITERAL("here"), table.root,
                         STR_VIEW_LITERAL("there"), to, epoch);
    policy_state_unref(to);
    policy_state_unref(above);
    policy_unref(first); /* the last one: no name may still have a state of it */
    assert_true(may_read(d));
    assert_false(may_read(below));
    before = epoch;
    own = node_table_directory_state(&table, d, &second, &epoch);
    assert_true(node_table_names_agree(&table, d, epoch, own));
    assert_false(node_table_names_agree(&table, d, before, own)); /* of another policy */
    policy_state_unref(own);
    policy_unref(second);

    above = node_table_directory_state(&table, table.root, &second, &epoch);
    to = policy_path_step(second, above, STR_VIEW_LITERAL("here"));
    node_table_set_policy(&table, third);
    policy_unref(third);
    node_table_exchange_names(&table, table.root, STR_VIEW_LITERAL("there"), to, table.root,
                              STR_VIEW_LITERAL("here"), to, epoch);
    policy_state_unref(to);
    policy_state_unref(above);
    policy_unref(second);
    assert_false(may_read(d));
    assert_false(may_read(below));
}

static void the_limit_holds(void **state)
{
    struct statx file = object(1000, S_IFREG, 1);
    struct node *node = NULL;
    uint64_t epoch;
    struct policy *policy;
    const struct policy_state *root =
        node_table_directory_state(&table, table.root, &policy, &epoch);

    (void)state;
    table.limit = table.count + 1;
    (void)enter(table.root, "last", &file);
    file.stx_ino++;
    assert_int_equal(
        node_table_enter(&table, table.root, STR_VIEW_LITERAL("over"), root, epoch, &file, &node),
        -ENFILE);
    policy_state_unref(root);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_object_is_the_same_node, begin, end),
        cmocka_unit_test_setup_teardown(forgetting_more_than_was_given_is_harmless, begin, end),
        cmocka_unit_test_setup_teardown(every_name_of_a_hard_link_counts, begin, end),
        cmocka_unit_test_setup_teardown(an_open_file_keeps_its_last_name, begin, end),
        cmocka_unit_test_setup_teardown(a_rename_takes_the_rules_of_the_new_name, begin, end),
        cmocka_unit_test_setup_teardown(a_new_policy_judges_every_name_again, begin, end),
        cmocka_unit_test_setup_teardown(a_rename_across_a_reload_takes_the_rules_of_the_new_policy,
                                        begin, end),
        cmocka_unit_test_setup_teardown(the_limit_holds, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
