#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/option_table.h"

/* A writable word, as main gets them. */
#define WORD(text) ((char[]){text})

static const struct option_row rows[] = {
    {1, 'p', "policy", "FILE", "a policy"},
    {2, 'f', "front", NULL, "stay"},
    {3, 0, "help", NULL, "this text"},
};
static const struct command_table command = {"tool", "[OPTIONS] -- CMD", "does", NULL, rows, 3};

static void stops_where_the_command_begins(void **state)
{
    char *argv[] = {WORD("tool"), WORD("-fp"),     WORD("a"),  WORD("--policy=b"),
                    WORD("--"),   WORD("--bogus"), WORD("-x"), NULL};
    struct option_scan scan = option_scan_init(&command, 7, argv);
    struct failure failure = {0};

    (void)state;
    assert_int_equal(option_scan_next(&scan, &failure), 2);
    assert_int_equal(option_scan_next(&scan, &failure), 1);
    assert_string_equal(scan.argument, "a");
    assert_int_equal(option_scan_next(&scan, &failure), 1);
    assert_string_equal(scan.argument, "b");
    assert_int_equal(option_scan_next(&scan, &failure), 0);
    assert_string_equal(argv[scan.next], "--bogus");
}

static void the_first_operand_ends_the_options(void **state)
{
    char *argv[] = {WORD("tool"), WORD("cmd"), WORD("-f"), NULL};
    struct option_scan scan = option_scan_init(&command, 3, argv);
    struct failure failure = {0};

    (void)state;
    assert_int_equal(option_scan_next(&scan, &failure), 0);
    assert_string_equal(argv[scan.next], "cmd");
}

static void bad_words_are_named(void **state)
{
    static const struct {
        const char *word;
        const char *what;
    } cases[] = {
        {"--bogus", "unknown option: --bogus"},
        {"-x", "unknown option: -x"},
        {"--front=1", "this option takes no argument: --front=1"},
        {"--policy", "this option needs an argument: --policy"},
        {"-p", "this option needs an argument: -p"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char word[32];
        char *argv[] = {WORD("tool"), word, NULL};
        struct option_scan scan = option_scan_init(&command, 2, argv);
        struct failure failure = {0};

        snprintf(word, sizeof(word), "%s", cases[i].word);
        assert_int_equal(option_scan_next(&scan, &failure), -EINVAL);
        assert_string_equal(failure.what, cases[i].what);
    }
}

static void help_for_programs_is_the_table(void **state)
{
    static const struct option_row some[] = {
        {1, 'p', "policy", "FILE", "a policy"},
        {2, 0, "policy-fd", "N", NULL},
        {3, 0, "help", NULL, "this text"},
    };
    static const struct command_table asked = {"tool", "[OPTIONS]", "does", "  a\n  b\n", some, 3};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    (void)state;
    assert_non_null(stream);
    assert_false(help_is_for_programs());
    assert_int_equal(setenv("FAILCORE_HELP", "table", 1), 0);
    command_table_print_help(stream, &asked);
    assert_int_equal(unsetenv("FAILCORE_HELP"), 0);
    fclose(stream);
    assert_string_equal(text, "command\ttool\t[OPTIONS]\tdoes\n"
                              "option\tp\tpolicy\tFILE\ta policy\n"
                              "option\t\thelp\t\tthis text\n"
                              "example\t  a\nexample\t  b\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_where_the_command_begins),
        cmocka_unit_test(the_first_operand_ends_the_options),
        cmocka_unit_test(bad_words_are_named),
        cmocka_unit_test(help_for_programs_is_the_table),
    };

    return cmocka_run_group_tests_name("option_table", tests, NULL, NULL);
}
