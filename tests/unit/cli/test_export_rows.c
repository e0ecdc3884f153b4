#include "tests/support/unit.h"

#include <string.h>

#include "cli/export/export.h"
#include "shared/base/cleanup.h"
#include "tests/unit/cli/sample_record.h"

static void check_row(export_row *row, struct sample sample, const char *wanted)
{
    AUTO(samples_clear) struct samples samples = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct audit_record record = sample_record(&samples, sample);

    row(&text, &record);
    if (strstr(text_buffer_text(&text), wanted) == NULL) {
        fail_msg("%s is not in %s", wanted, text_buffer_text(&text));
    }
    assert_ptr_equal(strchr(text_buffer_text(&text), '\n'),
                     text_buffer_text(&text) + text.length - 1);
}

static const struct sample escapes = {
    .call = "\"op\":\"rename\",\"path\":\"=a\\\"b\\n\xe2\x80\xae\",\"path2\":\"x|y=\\\\\xc2\x9b\"",
    .status = "BLOCKED",
    .decision = "blocked",
    .rule = "r",
    .code = "PATH_DENIED",
    .reason = "no, \\u001b[31m",
    .error = "EACCES",
};

static void csv_starts_no_formula_and_acts_on_nothing(void **state)
{
    (void)state;
    check_row(export_csv, escapes,
              ",\"BLOCKED\",\"blocked\",\"rename\",\"'=a\"\"b\\n\\u{202e}\",\"x|y=\\\\\\u{9b}\",");
    check_row(export_csv, escapes, ",\"r\",\"PATH_DENIED\",\"no, \\x1b[31m\",\"EACCES\",42,");
    check_row(export_csv,
              (struct sample){.call = "\"op\":\"read\",\"path\":\"\xef\xbf\xbd\",\"path_hex\":"
                                      "\"ff\"",
                              .status = "ALLOWED"},
              ",\"\\xff\",");
}

static void cef_begins_no_other_event(void **state)
{
    (void)state;
    check_row(export_cef, escapes, "|PATH_DENIED|rename|7|rt=");
    check_row(export_cef, escapes, " filePath=\\=a\"b\\\\n\\\\u{202e} ");
    check_row(export_cef, escapes, " cs4Label=target2 cs4=x|y\\=\\\\\\\\\\\\u{9b}\n");
    check_row(export_cef, escapes, " reason=no, \\\\x1b[31m ");
}

static void ocsf_has_what_the_schema_wants(void **state)
{
    (void)state;
    check_row(export_ocsf, escapes, "{\"class_uid\":1001,\"category_uid\":1,\"activity_id\":5,");
    check_row(export_ocsf, escapes, "\"file_result\":{\"type_id\":0,\"name\":\"x|y=");
    check_row(export_ocsf, (struct sample){.status = "OK", .kind = "RESULT", .no_actor = true},
              ",\"actor\":{\"user\":{\"name\":\"unknown\"}},");
    check_row(export_ocsf,
              (struct sample){.source = "exec",
                              .status = "ALLOWED",
                              .call = "\"op\":\"exec\",\"path\":\"/bin/sh\",\"argv_hash\":\"\","
                                      "\"argc\":1"},
              ",\"process\":{\"pid\":42,\"file\":{\"type_id\":1,\"name\":\"sh\","
              "\"path\":\"/bin/sh\"}}");
    check_row(export_ocsf, (struct sample){.call = "\"op\":\"list\",\"path\":\"\"", .status = "OK"},
              "\"file\":{\"type_id\":0,\"name\":\".\",\"path\":\"\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_starts_no_formula_and_acts_on_nothing),
        cmocka_unit_test(cef_begins_no_other_event),
        cmocka_unit_test(ocsf_has_what_the_schema_wants),
    };

    return cmocka_run_group_tests_name("export_rows", tests, NULL, NULL);
}
