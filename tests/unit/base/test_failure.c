#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shared/base/cleanup.h"
#include "shared/base/failure.h"

static void prints_three_lines_and_no_control_bytes(void **state)
{
    struct failure failure = {0};
    AUTO_FREE char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);

    (void)state;
    assert_non_null(stream);
    assert_int_equal(failure_set(&failure, -5, "cannot open %s", "a\x1b[31mb"), -5);
    failure_set_needed(&failure, "policy.yaml:%d:1", 7);
    failure_set_mend(&failure, "look at it");
    failure_print(stream, "failcore", &failure);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "failcore: cannot open a?[31mb\n"
                              "  needed by: policy.yaml:7:1\n"
                              "  try: look at it\n");
}

/* What reads a journal takes lines; which stream is the journal's, its inode says. */
static void one_line_of_fields_for_the_journal(void **state)
{
    struct failure failure = {0};
    char text[256];
    char journal[64];
    size_t length;
    struct stat status;
    FILE *stream = tmpfile();

    (void)state;
    failure_set(&failure, -5, "cannot open \"%s\"", "a\nb\\");
    failure_set_mend(&failure, "look at it");
    assert_int_equal(fstat(fileno(stream), &status), 0);
    snprintf(journal, sizeof(journal), "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", journal, 1);
    failure_print(stream, "failcore-mount", &failure);
    setenv("JOURNAL_STREAM", "1:2", 1);
    failure_print(stream, "failcore-mount", &failure);
    unsetenv("JOURNAL_STREAM");
    rewind(stream);
    length = fread(text, 1, sizeof(text) - 1, stream);
    text[length] = '\0';
    fclose(stream);
    assert_string_equal(
        text, "<3>failcore-mount: error=\"cannot open \\\"a?b\\\\\\\"\" try=\"look at it\"\n"
              "failcore-mount: cannot open \"a?b\\\"\n"
              "  try: look at it\n");
}

static void the_first_failure_is_kept(void **state)
{
    struct failure failure = {0};

    (void)state;
    failure_set(&failure, -1, "deep");
    assert_int_equal(failure_set(&failure, -2, "shallow"), -2);
    failure_set_mend(&failure, "first");
    failure_set_mend(&failure, "second");
    assert_string_equal(failure.what, "deep");
    assert_string_equal(failure.mend, "first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_three_lines_and_no_control_bytes),
        cmocka_unit_test(one_line_of_fields_for_the_journal),
        cmocka_unit_test(the_first_failure_is_kept),
    };

    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
