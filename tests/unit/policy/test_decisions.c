/* What the rules of CONTRACT.md decide: one statement, one line. */
#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/file_io.h"

#include "tests/unit/policy/policy_text.h"

static bool permits(const struct policy *policy, enum fs_operation operation, const char *path)
{
    return decision_permits(fs_decision(policy, operation, path));
}

static void nothing_said_is_denied(void **state)
{
    struct policy *policy = policy_of_words(NULL, 0);
    struct decision decision = fs_decision(policy, FS_READ, "a");

    (void)state;
    assert_int_equal(decision.verdict, VERDICT_DENY);
    assert_int_equal(decision.code, DENIAL_PATH_DENIED);
    assert_int_equal(decision_errno(decision), -EACCES);
    assert_false(permits(policy, FS_LOOKUP, ""));
    assert_false(decision_permits(net_decision(policy, "example.org", NULL, NET_TCP, 0)));
    assert_false(decision_permits(net_decision(policy, NULL, "8.8.8.8", NET_TCP, 443)));
    assert_true(decision_permits(policy_decide_exec(policy, STR_VIEW_LITERAL("/bin/true"))));
    assert_string_equal(policy_name(policy).bytes, "deny_all");
    assert_int_equal(strlen(policy_hash(policy)), 16);
    policy_unref(policy);
}

static void deny_beats_hide_beats_log_beats_allow(void **state)
{
    struct policy *policy = policy_of_text("version: 1\n"
                                           "filesystem:\n"
                                           "  rules:\n"
                                           "    - {id: a, action: allow, paths: ['**']}\n"
                                           "    - {id: l, action: log, paths: ['l*']}\n"
                                           "    - {id: h, action: hide, paths: ['lh*']}\n"
                                           "    - {id: d, action: deny, paths: ['lhd*']}\n");

    (void)state;
    assert_int_equal(fs_decision(policy, FS_READ, "x").verdict, VERDICT_ALLOW);
    assert_int_equal(fs_decision(policy, FS_READ, "l").verdict, VERDICT_LOG);
    assert_int_equal(fs_decision(policy, FS_READ, "lh").verdict, VERDICT_HIDE);
    assert_int_equal(fs_decision(policy, FS_READ, "lh").code, DENIAL_PATH_HIDDEN);
    assert_int_equal(decision_errno(fs_decision(policy, FS_READ, "lh")), -ENOENT);
    assert_int_equal(fs_decision(policy, FS_LOOKUP, "lh").verdict, VERDICT_HIDE);
    assert_int_equal(fs_decision(policy, FS_READ, "lhd").verdict, VERDICT_DENY);
    assert_string_equal(policy_rule_id(policy, fs_decision(policy, FS_READ, "lhd").rule).bytes,
                        "d");
    policy_unref(policy);
}

static void a_deny_of_one_operation_leaves_the_others(void **state)
{
    struct policy *policy = policy_of_text(
        "version: 1\n"
        "filesystem:\n"
        "  rules:\n"
        "    - {id: a, action: allow, paths: ['**']}\n"
        "    - {id: d, action: deny, operations: [delete, rename], paths: [keep]}\n");

    (void)state;
    assert_true(permits(policy, FS_READ, "keep"));
    assert_true(permits(policy, FS_LOOKUP, "keep"));
    assert_false(permits(policy, FS_DELETE, "keep"));
    assert_false(permits(policy, FS_RENAME, "keep"));
    assert_true(permits(policy, FS_DELETE, "keep/x"));
    policy_unref(policy);
}

static void literal_ancestors_can_be_looked_up_and_not_listed(void **state)
{
    struct policy *policy = policy_of_text(
        "version: 1\n"
        "filesystem:\n"
        "  rules:\n"
        "    - {id: a, action: allow, operations: [read], paths: [/src/lib/*.c, 'wild/*/x']}\n");

    (void)state;
    assert_true(permits(policy, FS_LOOKUP, ""));
    assert_true(permits(policy, FS_LOOKUP, "src"));
    assert_true(permits(policy, FS_LOOKUP, "src/lib"));
    assert_false(permits(policy, FS_LIST, "src/lib"));
    assert_false(permits(policy, FS_READ, "src/lib"));
    assert_false(permits(policy, FS_LOOKUP, "src/other"));
    assert_true(permits(policy, FS_READ, "src/lib/a.c"));
    assert_true(permits(policy, FS_READ, "src/lib/.c"));
    assert_false(permits(policy, FS_WRITE, "src/lib/a.c"));
    assert_false(permits(policy, FS_READ, "src/lib/a.C"));
    assert_false(permits(policy, FS_READ, "src/lib/deep/a.c"));
    assert_false(permits(policy, FS_LOOKUP, "wild/zzz"));
    policy_unref(policy);
}

static void a_shut_ancestor_stays_shut(void **state)
{
    struct policy *policy =
        policy_of_text("version: 1\n"
                       "filesystem:\n"
                       "  rules:\n"
                       "    - {id: a, action: allow, paths: [shut/x, half/x]}\n"
                       "    - {id: d, action: deny, paths: [shut]}\n"
                       "    - {id: w, action: deny, operations: [write], paths: [half]}\n");

    (void)state;
    assert_false(permits(policy, FS_LOOKUP, "shut"));
    assert_true(permits(policy, FS_LOOKUP, "half"));
    policy_unref(policy);
}

static void a_hidden_name_does_not_answer_by_a_deny(void **state)
{
    struct policy *policy =
        policy_of_text("version: 1\n"
                       "filesystem:\n"
                       "  rules:\n"
                       "    - {id: a, action: allow, paths: ['**']}\n"
                       "    - {id: h, action: hide, paths: [secret]}\n"
                       "    - {id: d, action: deny, operations: [write], paths: [secret]}\n");

    (void)state;
    assert_int_equal(fs_decision(policy, FS_LOOKUP, "secret").verdict, VERDICT_HIDE);
    assert_int_equal(fs_decision(policy, FS_WRITE, "secret").verdict, VERDICT_DENY);
    policy_unref(policy);
}

static void an_enforced_rule_is_not_softened(void **state)
{
    struct policy *policy =
        policy_of_text("version: 1\n"
                       "on_violation: log\n"
                       "filesystem:\n"
                       "  rules:\n"
                       "    - {id: soft, action: deny, paths: [a]}\n"
                       "    - {id: hard, action: deny, enforce: true, paths: [b, 'c/**']}\n"
                       "    - {id: veil, action: hide, enforce: true, paths: [d]}\n"
                       "network:\n"
                       "  rules:\n"
                       "    - {id: soft, action: deny, hosts: [a.org]}\n"
                       "    - {id: hard, action: deny, enforce: true, hosts: [b.org]}\n"
                       "process:\n"
                       "  rules:\n"
                       "    - {id: hard, action: deny, enforce: true, executables: [/bin/sh]}\n"
                       "    - {id: soft, action: deny, executables: [/bin/ls]}\n");

    (void)state;
    assert_int_equal(fs_decision(policy, FS_READ, "a").verdict, VERDICT_LOG);
    assert_int_equal(fs_decision(policy, FS_READ, "b").verdict, VERDICT_DENY);
    assert_int_equal(fs_decision(policy, FS_LIST, "c").verdict, VERDICT_DENY);
    assert_int_equal(fs_decision(policy, FS_LOOKUP, "b").verdict, VERDICT_DENY);
    assert_int_equal(fs_decision(policy, FS_READ, "d").verdict, VERDICT_HIDE);
    assert_int_equal(net_decision(policy, "a.org", NULL, NET_TCP, 443).verdict, VERDICT_LOG);
    assert_int_equal(net_decision(policy, "b.org", NULL, NET_TCP, 443).verdict, VERDICT_DENY);
    assert_false(decision_permits(policy_decide_exec(policy, STR_VIEW_LITERAL("/bin/sh"))));
    assert_true(decision_permits(policy_decide_exec(policy, STR_VIEW_LITERAL("/bin/ls"))));
    policy_unref(policy);
}

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write_all(fd, text, strlen(text)), 0);
    close(fd);
}

/* A system directory with one policy in it. */
static int load_with_system(const char *system_text, const char *text, struct policy **ret_policy)
{
    struct policy_directories directories = test_directories();
    struct failure failure = {0};
    char directory[] = "/tmp/failcore-system-XXXXXX";
    char system_file[64];
    char file[64];
    const char *word = file;
    int error;

    assert_non_null(mkdtemp(directory));
    snprintf(directories.path[PLACE_SYSTEM], PATH_MAX, "%s", directory);
    snprintf(system_file, sizeof(system_file), "%s/house.yaml", directory);
    snprintf(file, sizeof(file), "%s/own.yml", directory);
    make_file(system_file, system_text);
    make_file(file, text);
    error = policy_load_from(&word, 1, &directories, ret_policy, &failure);
    unlink(system_file);
    unlink(file);
    rmdir(directory);
    return error;
}

static void what_the_house_enforces(void **state)
{
    static const char house[] =
        "version: 1\nenforce: true\n"
        "filesystem: {rules: [{id: no-tmp, action: deny, paths: ['tmp/**']}]}\n"
        "limits: {processes: 10}\n";
    struct policy *policy = NULL;

    (void)state;
    assert_int_equal(load_with_system(house, "version: 1\nfilesystem: {default: allow}\n", &policy),
                     0);
    assert_true(permits(policy, FS_WRITE, "src/x"));
    assert_false(permits(policy, FS_WRITE, "tmp/x"));
    assert_int_equal(policy_model(policy)->settings[SETTING_LIMIT_PROCESSES].value, 10);
    policy_unref(policy);
    /* It opens nothing: a section that only it speaks of stays closed, also under log. */
    assert_int_equal(load_with_system(house, "version: 1\non_violation: log\n", &policy), 0);
    assert_false(permits(policy, FS_READ, "src/x"));
    policy_unref(policy);
    /* One that enforces nothing is only there to be named. */
    assert_int_equal(load_with_system("version: 1\nfilesystem: {rules: [{id: d, action: deny, "
                                      "paths: ['**']}]}\n",
                                      "version: 1\nfilesystem: {default: allow}\n", &policy),
                     0);
    assert_true(permits(policy, FS_WRITE, "src/x"));
    policy_unref(policy);
    /* One that cannot be read might be one that must be obeyed. */
    assert_int_equal(load_with_system("version: 9\n", "version: 1\n", &policy), -EINVAL);
}

static void a_closed_section_is_not_softened(void **state)
{
    struct policy *policy = policy_of_text("version: 1\non_violation: log\n");

    (void)state;
    assert_false(permits(policy, FS_READ, "a"));
    assert_false(decision_permits(net_decision(policy, "a.org", NULL, NET_TCP, 443)));
    policy_unref(policy);
}

static void natively_only_what_no_rule_touches(void **state)
{
    struct policy *policy = policy_of_text(
        "version: 1\n"
        "filesystem:\n"
        "  rules:\n"
        "    - {id: a, action: allow, paths: ['free', 'free/**', 'mixed', 'mixed/**', 'half/**']}\n"
        "    - {id: d, action: log, operations: [delete], paths: ['mixed/*/deep']}\n"
        "  native: ['free/**', 'free/sub', 'mixed/**', 'half/**', 'elsewhere/**']\n");
    struct text_buffer text = {0};

    (void)state;
    assert_int_equal(policy_print(policy, &text), 0);
    assert_non_null(strstr(text_buffer_text(&text), "native: [\"free/**\", \"free/sub\"]\n"));
    text_buffer_clear(&text);
    policy_unref(policy);
}

static void two_stars_cover_below_and_the_listing(void **state)
{
    struct policy *policy = policy_of_text("version: 1\n"
                                           "filesystem:\n"
                                           "  rules:\n"
                                           "    - {id: a, action: allow, paths: ['d/**']}\n"
                                           "    - {id: m, action: allow, paths: ['x/**/y']}\n");

    (void)state;
    assert_true(permits(policy, FS_LIST, "d"));
    assert_false(permits(policy, FS_READ, "d"));
    assert_false(permits(policy, FS_DELETE, "d"));
    assert_true(permits(policy, FS_READ, "d/a"));
    assert_true(permits(policy, FS_READ, "d/a/b/c"));
    assert_true(permits(policy, FS_READ, "x/y"));
    assert_true(permits(policy, FS_READ, "x/1/2/y"));
    assert_false(permits(policy, FS_READ, "x/1/2/z"));
    assert_false(permits(policy, FS_READ, "y"));
    policy_unref(policy);
}

static void climbing_paths_are_denied(void **state)
{
    struct policy *policy = policy_of_text("version: 1\n"
                                           "filesystem: {default: allow}\n");

    (void)state;
    assert_true(permits(policy, FS_READ, "a/./b//c"));
    assert_false(permits(policy, FS_READ, "a/../b"));
    assert_int_equal(fs_decision(policy, FS_READ, "..").rule.index, RULE_BUILTIN.index);
    policy_unref(policy);
}

static void braces_and_classes(void **state)
{
    struct policy *policy = policy_of_text(
        "version: 1\n"
        "filesystem:\n"
        "  rules:\n"
        "    - {id: a, action: allow, paths: ['{a,b}/[0-9]?.{c,h}', 'q\\*', '[!x]yz']}\n");

    (void)state;
    assert_true(permits(policy, FS_READ, "a/1x.c"));
    assert_true(permits(policy, FS_READ, "b/9y.h"));
    assert_false(permits(policy, FS_READ, "c/9y.h"));
    assert_false(permits(policy, FS_READ, "a/xx.c"));
    assert_true(permits(policy, FS_READ, "q*"));
    assert_false(permits(policy, FS_READ, "qq"));
    assert_true(permits(policy, FS_READ, "ayz"));
    assert_false(permits(policy, FS_READ, "xyz"));
    policy_unref(policy);
}

static void log_softens_rules_and_not_the_ranges(void **state)
{
    const char *words[] = {"shadow"};
    struct policy *policy = policy_of_words(words, 1);

    (void)state;
    assert_int_equal(fs_decision(policy, FS_DELETE, "a/b").verdict, VERDICT_LOG);
    assert_int_equal(net_decision(policy, "example.org", NULL, NET_TCP, 0).verdict, VERDICT_LOG);
    assert_int_equal(net_decision(policy, NULL, "8.8.8.8", NET_TCP, 22).verdict, VERDICT_LOG);
    assert_int_equal(net_decision(policy, NULL, "169.254.169.254", NET_TCP, 80).code,
                     DENIAL_SSRF_BLOCKED);
    policy_unref(policy);
}

static void safe_allows_a_write_and_a_public_host(void **state)
{
    const char *words[] = {"safe"};
    struct policy *policy = policy_of_words(words, 1);
    struct decision decision = net_decision(policy, "Example.org.", "93.184.216.34", NET_TCP, 443);

    (void)state;
    assert_true(permits(policy, FS_WRITE, "src/main.c"));
    assert_true(permits(policy, FS_CREATE, "src/main.c"));
    assert_false(permits(policy, FS_READ, "src/.env"));
    assert_int_equal(decision.verdict, VERDICT_ALLOW);
    assert_int_equal(decision.name_check, NAME_CHECK_TLS);
    assert_int_equal(net_decision(policy, "example.org", "10.0.0.1", NET_TCP, 443).code,
                     DENIAL_DNS_REBINDING);
    assert_int_equal(net_decision(policy, NULL, "93.184.216.34", NET_TCP, 443).code,
                     DENIAL_ADDRESS_DENIED);
    assert_int_equal(net_decision(policy, "example.org", "93.184.216.34", NET_TCP, 22).code,
                     DENIAL_PORT_DENIED);
    assert_int_equal(net_decision(policy, "metadata.google.internal", NULL, NET_TCP, 0).code,
                     DENIAL_SSRF_BLOCKED);
    policy_unref(policy);
}

static void git_can_work_in_the_sandbox(void **state)
{
    const char *words[] = {"fs_sandbox"};
    struct policy *policy = policy_of_words(words, 1);
    const struct policy_state *index = policy_path_walk(policy, STR_VIEW_LITERAL(".git/index"));
    const struct policy_state *lock = policy_path_walk(policy, STR_VIEW_LITERAL(".git/index.lock"));

    (void)state;
    assert_true(policy_states_equal_here(index, lock));
    assert_true(permits(policy, FS_CREATE, ".git/index.lock"));
    assert_true(permits(policy, FS_RENAME, ".git/index"));
    assert_true(permits(policy, FS_READ, ".git/config"));
    assert_false(permits(policy, FS_WRITE, ".git/config"));
    assert_false(permits(policy, FS_CREATE, ".git/hooks/pre-commit"));
    assert_true(permits(policy, FS_CREATE, "sub/.git/hooks/pre-commit.sample"));
    assert_false(permits(policy, FS_CREATE, "sub/.git/hooks/pre-commit"));
    assert_false(permits(policy, FS_CREATE, "sub/.git/hooks/sample"));
    assert_true(permits(policy, FS_CREATE, "sub/.git/config"));
    assert_true(permits(policy, FS_CREATE, "sub/.git"));
    policy_unref(policy);
}

static void names_that_may_be_exchanged(void **state)
{
    const char *words[] = {"fs_sandbox"};
    struct policy *policy = policy_of_words(words, 1);
    const struct policy_state *a = policy_path_walk(policy, STR_VIEW_LITERAL("a"));
    const struct policy_state *b = policy_path_walk(policy, STR_VIEW_LITERAL("b/c"));
    const struct policy_state *git = policy_path_walk(policy, STR_VIEW_LITERAL("x/.git"));

    (void)state;
    assert_true(policy_states_equal_below(policy, a, b));
    assert_false(policy_states_equal_below(policy, a, git));
    assert_false(policy_state_unrestricted_below(policy, a));
    policy_unref(policy);
}

static bool lead_alike(const struct policy *policy, const char *a, const char *b)
{
    const struct policy_state *left = policy_path_walk(policy, str_view_from(a));
    const struct policy_state *right = policy_path_walk(policy, str_view_from(b));
    bool alike = policy_states_equal_below(policy, left, right);

    policy_state_unref(left);
    policy_state_unref(right);
    return alike;
}

static void directories_that_may_be_exchanged(void **state)
{
    struct policy *policy = policy_of_text(
        "version: 1\n"
        "filesystem:\n"
        "  rules:\n"
        "    - {id: both, action: allow, paths: ['src/**', 'docs/**', 'odd/**', 'shy/**', "
        "'coy/**']}\n"
        "    - {id: third, action: allow, paths: ['third/**']}\n"
        "    - {id: pem, action: deny, paths: ['**/*.pem']}\n"
        "    - {id: odd, action: deny, paths: ['odd/deep/secret', 'x/odd']}\n"
        "    - {id: shy, action: deny, operations: [write], paths: ['shy/*.c', 'coy/*.c']}\n"
        "    - {id: way, action: allow, operations: [read], paths: [one/deep/x, 'tw[o]/deep/x']}\n"
        "    - {id: log, action: log, paths: ['logged/**']}\n");

    (void)state;
    assert_true(lead_alike(policy, "src", "docs"));
    assert_true(lead_alike(policy, "src/a", "docs/b/c"));
    assert_true(lead_alike(policy, "src", "third"));
    assert_true(lead_alike(policy, "src/a", "odd/b"));
    assert_false(lead_alike(policy, "src", "odd"));
    assert_false(lead_alike(policy, "src/deep", "odd/deep"));
    assert_true(lead_alike(policy, "src/deep/er", "odd/deep/er"));
    assert_false(lead_alike(policy, "src", "shy"));
    assert_true(lead_alike(policy, "shy", "coy"));
    assert_false(lead_alike(policy, "shy/x", "logged"));
    assert_false(lead_alike(policy, "src", "logged"));
    assert_false(lead_alike(policy, "src", "nowhere"));
    assert_true(lead_alike(policy, "nowhere", "neither"));
    /* The same file may be read below both, but only one way to it may be looked at. */
    assert_false(lead_alike(policy, "one", "two"));
    assert_true(lead_alike(policy, "one/deep", "two/deep"));
    policy_unref(policy);
}

/* Twins of a depth; alike below, as far as the comparison looks. */
static struct policy *twins(unsigned int depth)
{
    struct text_buffer text = {0};
    struct policy *policy;

    text_buffer_append_text(&text, "version: 1\nfilesystem: {rules: [{id: a, action: allow, "
                                   "paths: [");
    for (unsigned int twin = 0; twin < 2; twin++) {
        text_buffer_append_text(&text, twin == 0 ? "p" : ", q");
        for (unsigned int i = 0; i < depth; i++) {
            text_buffer_append_text(&text, "/n");
        }
    }
    text_buffer_append_text(&text, "]}]}\n");
    policy = policy_of_text(text_buffer_text(&text));
    text_buffer_clear(&text);
    return policy;
}

static void at_its_bound_the_comparison_says_no(void **state)
{
    struct policy *near = twins(40);
    struct policy *far = twins(100);

    (void)state;
    assert_true(lead_alike(near, "p", "q"));
    assert_false(lead_alike(far, "p", "q"));
    assert_true(lead_alike(far, "p/n/n", "p/n/n"));
    policy_unref(near);
    policy_unref(far);
}

static void printing_and_reading_is_the_same_policy(void **state)
{
    const char *words[] = {"safe", "fs_safe"};
    const char *turned[] = {"fs_safe", "safe"};
    struct policy *policy = policy_of_words(words, 2);
    struct policy *other = policy_of_words(turned, 2);
    struct text_buffer text = {0};
    struct text_buffer again = {0};
    struct policy *read;

    (void)state;
    assert_int_equal(policy_print(policy, &text), 0);
    read = policy_of_text(text_buffer_text(&text));
    assert_int_equal(policy_print(read, &again), 0);
    assert_string_equal(text_buffer_text(&text), text_buffer_text(&again));
    assert_string_equal(policy_hash(policy), policy_hash(read));
    assert_string_equal(policy_hash(policy), policy_hash(other));
    text_buffer_clear(&text);
    text_buffer_clear(&again);
    policy_unref(policy);
    policy_unref(other);
    policy_unref(read);
}

static void errors_name_line_and_column(void **state)
{
    struct failure failure = {0};
    struct policy *policy;

    (void)state;
    assert_int_equal(
        try_policy_text("version: 1\nfilesystem:\n  defualt: deny\n", &policy, &failure), -EINVAL);
    assert_non_null(strstr(failure.needed, ":3:3"));
    assert_non_null(strstr(failure.mend, "\"default\""));
}

static void what_a_refused_caller_gets(void **state)
{
    static const struct {
        enum denial_code code;
        int error;
    } rows[] = {
        {DENIAL_PATH_DENIED, -EACCES},     {DENIAL_PATH_HIDDEN, -ENOENT},
        {DENIAL_READ_ONLY, -EROFS},        {DENIAL_RENAME_ESCAPE, -EXDEV},
        {DENIAL_LIMIT_DISK, -EDQUOT},      {DENIAL_SYSCALL_DENIED, -EPERM},
        {DENIAL_AUDIT_UNAVAILABLE, -EIO},  {DENIAL_INTERNAL, -EIO},
        {DENIAL_BREAKER_TRIPPED, -EACCES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct decision decision = {.verdict = rows[i].code == DENIAL_PATH_HIDDEN ? VERDICT_HIDE
                                                                                  : VERDICT_DENY,
                                    .code = rows[i].code};

        assert_int_equal(decision_errno(decision), rows[i].error);
    }
    /* Each code has its words, and what is refused is never told that it went well. */
    for (unsigned int code = DENIAL_NONE + 1; code < DENIAL_CODE_COUNT; code++) {
        struct decision decision = {.code = (enum denial_code)code};

        assert_true(denial_code_word((enum denial_code)code)[0] != '\0');
        assert_true(denial_code_meaning((enum denial_code)code)[0] != '\0');
        assert_true(denial_code_mend((enum denial_code)code)[0] != '\0');
        assert_true(decision_errno(decision) < 0);
    }
}

static void a_record_gives_the_name_that_decided(void **state)
{
    struct policy *policy =
        policy_of_text("version: 1\nnetwork:\n  rules:\n"
                       "    - {id: open, action: allow, hosts: [a.example.org, b.example.org]}\n"
                       "    - {id: shut, action: deny, hosts: [c.example.org]}\n"
                       "    - {id: port, action: allow, hosts: [d.example.org], ports: [22]}\n");
    static const struct {
        const char *names[3];
        size_t decider;
    } rows[] = {
        {{"other.example.org", "b.example.org", "a.example.org"}, 1},
        {{"a.example.org", "b.example.org", "C.example.org."}, 2},
        {{"other.example.org", "x", "d.example.org"}, 2}, /* PORT_DENIED, not DOMAIN_DENIED */
        {{"x.example.org", "y.example.org", "z.example.org"}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str_view names[3];
        struct net_request request = {.port = 443, .names = names, .name_count = 3};
        struct decision decision, alone;
        size_t decider;

        for (size_t n = 0; n < 3; n++) {
            names[n] = str_view_from(rows[i].names[n]);
        }
        assert_int_equal(ip_address_parse(STR_VIEW_LITERAL("93.184.216.34"), &request.address), 0);
        decision = policy_decide_net(policy, &request);
        decider = policy_net_deciding_name(policy, &request, decision);
        assert_int_equal(decider, rows[i].decider);
        request.names = &names[decider];
        request.name_count = 1;
        alone = policy_decide_net(policy, &request);
        assert_int_equal(alone.verdict, decision.verdict);
        assert_int_equal(alone.code, decision.code);
        assert_int_equal(alone.rule.index, decision.rule.index);
    }
    policy_unref(policy);
}

static void each_operation_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(fs_operation_word(FS_READ), "read");
    assert_string_equal(fs_operation_word(FS_LIST), "list");
    assert_string_equal(fs_operation_word(FS_LOOKUP), "lookup");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_denied),
        cmocka_unit_test(deny_beats_hide_beats_log_beats_allow),
        cmocka_unit_test(a_deny_of_one_operation_leaves_the_others),
        cmocka_unit_test(literal_ancestors_can_be_looked_up_and_not_listed),
        cmocka_unit_test(a_shut_ancestor_stays_shut),
        cmocka_unit_test(a_hidden_name_does_not_answer_by_a_deny),
        cmocka_unit_test(an_enforced_rule_is_not_softened),
        cmocka_unit_test(what_the_house_enforces),
        cmocka_unit_test(a_closed_section_is_not_softened),
        cmocka_unit_test(natively_only_what_no_rule_touches),
        cmocka_unit_test(two_stars_cover_below_and_the_listing),
        cmocka_unit_test(climbing_paths_are_denied),
        cmocka_unit_test(braces_and_classes),
        cmocka_unit_test(log_softens_rules_and_not_the_ranges),
        cmocka_unit_test(safe_allows_a_write_and_a_public_host),
        cmocka_unit_test(git_can_work_in_the_sandbox),
        cmocka_unit_test(names_that_may_be_exchanged),
        cmocka_unit_test(directories_that_may_be_exchanged),
        cmocka_unit_test(at_its_bound_the_comparison_says_no),
        cmocka_unit_test(printing_and_reading_is_the_same_policy),
        cmocka_unit_test(errors_name_line_and_column),
        cmocka_unit_test(a_record_gives_the_name_that_decided),
        cmocka_unit_test(what_a_refused_caller_gets),
        cmocka_unit_test(each_operation_has_its_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
