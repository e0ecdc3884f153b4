#include "tests/support/unit.h"

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
        cmocka_unit_test(the_first_failure_is_kept),
    };

    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
