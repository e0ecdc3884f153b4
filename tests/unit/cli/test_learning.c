#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "cli/learn/patterns.h"
#include "cli/metrics/metric_set.h"
#include "shared/base/cleanup.h"
#include "shared/policy/operations.h"
#include "tests/unit/cli/sample_record.h"

static void permit(struct observations *observations, struct samples *samples, const char *op,
                   const char *path)
{
    char call[160];
    struct audit_record record;

    snprintf(call, sizeof(call), "\"op\":\"%s\",\"path\":\"%s\"", op, path);
    record = sample_record(samples, (struct sample){.call = call, .status = "ALLOWED"});
    assert_int_equal(observations_add(observations, &record), 0);
}

static const struct tally_row *find(const struct patterns *patterns, const char *text)
{
    for (size_t i = 0; i < patterns->rows.count; i++) {
        if (str_view_equals_text(patterns->rows.rows[i]->key, text)) {
            return patterns->rows.rows[i];
        }
    }
    return NULL;
}

static void many_names_are_a_directory_and_one_is_itself(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(observations_clear) struct observations observations = {0};
    AUTO(patterns_clear) struct patterns patterns = {0};

    (void)state;
    for (int i = 0; i < 40; i++) {
        char path[32];

        snprintf(path, sizeof(path), "src/m%d.py", i);
        permit(&observations, &samples, "read", path);
    }
    permit(&observations, &samples, "write", "notes.txt");
    permit(&observations, &samples, "read", "st*r[1].txt");
    assert_int_equal(patterns_make(&observations, &patterns), 0);
    assert_non_null(find(&patterns, "src/*"));
    assert_int_equal(find(&patterns, "src/*")->numbers[PATTERN_NAMES], 40);
    assert_int_equal(find(&patterns, "src/*")->numbers[PATTERN_OPERATIONS], 1U << FS_READ);
    assert_null(find(&patterns, "src/m7.py"));
    assert_non_null(find(&patterns, "notes.txt"));
    assert_non_null(find(&patterns, "st\\*r\\[1\\].txt"));
    assert_null(find(&patterns, "**"));
}

static void secrets_are_left_out(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(observations_clear) struct observations observations = {0};
    AUTO(patterns_clear) struct patterns patterns = {0};

    (void)state;
    permit(&observations, &samples, "read", ".env");
    permit(&observations, &samples, "read", "deep/id_rsa");
    permit(&observations, &samples, "write", ".git/hooks/pre-commit");
    assert_int_equal(observations.suspicious.count, 3);
    assert_int_equal(patterns_make(&observations, &patterns), 0);
    assert_int_equal(patterns.rows.count, 0);
}

static void metrics_count_events_and_know_their_codes(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct metric_set metrics = {0};
    const struct sample rows[] = {
        {.status = "ALLOWED"},
        {.status = "BLOCKED", .decision = "blocked", .code = "PATH_DENIED"},
        {.kind = "REPEAT",
         .call = "\"op\":\"read\",\"path\":\"a\",\"bytes_read\":\"0\",\"bytes_written\":"
                 "\"0\"," SAMPLE_FOLD,
         .status = "BLOCKED",
         .decision = "blocked",
         .code = "PATH_DENIED",
         .count = 9},
        {.status = "BLOCKED", .decision = "blocked", .code = "x\\\"} 1\\nforged 5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct audit_record record = sample_record(&samples, rows[i]);

        metric_set_add(&metrics, &record);
    }
    metric_set_append(&metrics, &text);
    assert_non_null(strstr(text_buffer_text(&text),
                           "\nfailcore_decisions_total{source=\"fs\",decision=\"blocked\"} 11\n"));
    assert_non_null(
        strstr(text_buffer_text(&text), "\nfailcore_blocked_total{code=\"PATH_DENIED\"} 10\n"));
    assert_null(strstr(text_buffer_text(&text), "forged"));
    assert_int_equal(metrics.blocked[DENIAL_NONE], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_names_are_a_directory_and_one_is_itself),
        cmocka_unit_test(secrets_are_left_out),
        cmocka_unit_test(metrics_count_events_and_know_their_codes),
    };

    return cmocka_run_group_tests_name("learning", tests, NULL, NULL);
}
