#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/report/html.h"
#include "cli/report/page.h"
#include "shared/base/cleanup.h"
#include "tests/unit/cli/sample_record.h"

#define START                                                                                      \
    "\"op\":\"start\",\"launcher_uid\":1000,\"host\":\"h\",\"name\":\"<b>nightly\",\"workspace\":" \
    "\"/w\""
#define END "\"op\":\"end\",\"exit\":%s,\"cause\":\"%s\",\"detail\":\"%s\""

/* A log with one run, and its report when that was asked for. */
struct reported {
    struct samples samples;
    struct text_buffer html;
};

static struct reported begin(void)
{
    struct reported run = {0};

    (void)sample_record(&run.samples,
                        (struct sample){.source = "run", .kind = "START", .call = START});
    return run;
}

static void reported_clear(struct reported *run)
{
    samples_clear(&run->samples);
    text_buffer_clear(&run->html);
}

static void end(struct reported *run, const char *exit, const char *cause, const char *detail)
{
    char call[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(call, sizeof(call), END, exit, cause, detail);
#pragma GCC diagnostic pop
    (void)sample_record(&run->samples, (struct sample){.source = "run",
                                                       .kind = "END",
                                                       .call = call,
                                                       .second = 9,
                                                       .status = exit[0] == '0' ? "OK" : "FAIL"});
}

static void refuse(struct reported *run, const char *path, const char *rule)
{
    char call[256];

    snprintf(call, sizeof(call), "\"op\":\"read\",\"path\":\"%s\"", path);
    (void)sample_record(&run->samples, (struct sample){.call = call,
                                                       .status = "BLOCKED",
                                                       .decision = "blocked",
                                                       .rule = rule,
                                                       .code = "PATH_DENIED",
                                                       .error = "EACCES",
                                                       .second = 3});
}

/* The report of the records, by way of a file, as a text. */
static void report(struct reported *run)
{
    AUTO(log_view_close) struct log_view view = {0};
    struct failure failure = {0};
    char path[] = "/tmp/failcore-report.XXXXXX.jsonl";
    int fd = mkstemps(path, 6);

    assert_true(fd >= 0);
    close(fd);
    samples_write(&run->samples, path);
    assert_int_equal(log_view_open(&view, path, NULL, &failure), 0);
    text_buffer_reset(&run->html);
    assert_int_equal(report_page(&view, &run->html, &failure), 0);
    assert_int_equal(unlink(path), 0);
}

static void has(const struct reported *run, const char *wanted)
{
    if (strstr(text_buffer_text(&run->html), wanted) == NULL) {
        const char *verdict = strstr(text_buffer_text(&run->html), "<div class=\"verdict");

        fail_msg("not in the report: %s; its verdict: %.600s", wanted, verdict);
    }
}

static void has_not(const struct reported *run, const char *unwanted)
{
    assert_null(strstr(text_buffer_text(&run->html), unwanted));
}

static void the_verdict_is_the_runs(void **state)
{
    AUTO(reported_clear) struct reported run = begin();

    (void)state;
    report(&run);
    has(&run, "<div class=\"verdict attention\"><strong>Nothing was refused.</strong>");
    has(&run, "The log has no end of this run: it still runs, or it was cut off.");
    has(&run, "<h1>&lt;b&gt;nightly</h1>");

    (void)sample_record(&run.samples, (struct sample){.status = "ALLOWED", .second = 2});
    end(&run, "0", "exited", "exit code 0");
    report(&run);
    has(&run, "<div class=\"verdict\"><strong>Nothing was refused.</strong>"
              "<p>The program ended by itself with exit code 0.</p>");
}

static void success_after_a_refusal_is_flagged(void **state)
{
    AUTO(reported_clear) struct reported run = begin();

    (void)state;
    refuse(&run, "notes/a", "closed");
    end(&run, "0", "exited", "exit code 0");
    report(&run);
    has(&run, "<div class=\"verdict attention\"><strong>1 action was refused, before it had any "
              "effect.</strong>");
    has(&run, "<b>check its result before you rely on it.</b>");
    has(&run, "<b>Tried files it may not touch</b>");
    has(&run, "Blocked by us</dt><dd class=\"bad\">1</dd>");
    has(&run, "Failed by themselves</dt><dd class=\"\">0</dd>");
    has(&run, "by rule closed");

    refuse(&run, ".env", "secrets");
    report(&run);
    has(&run, "<div class=\"verdict grave\"><strong>2 actions were refused, before they had any "
              "effect.</strong>");
    has(&run, "1 of the refused actions is of a kind that honest work seldom needs.");
}

static void failure_after_a_refusal_is_not(void **state)
{
    AUTO(reported_clear) struct reported run = begin();

    (void)state;
    refuse(&run, "notes/a", "closed");
    end(&run, "3", "exited", "exit code 3");
    report(&run);
    has(&run, "The program ended by itself with exit code 3.");
    has_not(&run, "check its result");
}

static void a_breaker_and_an_operator_are_named(void **state)
{
    AUTO(reported_clear) struct reported run = begin();

    (void)state;
    (void)sample_record(
        &run.samples, (struct sample){.kind = "BREAKER",
                                      .source = "run",
                                      .call = "\"op\":\"breaker\",\"state\":\"tripped\",\"event\":"
                                              "\"delete\",\"count\":50,\"action\":\"freeze\"",
                                      .status = "BLOCKED",
                                      .code = "BREAKER_TRIPPED",
                                      .reason = "more than 50 deletes within 10s"});
    end(&run, "137", "stopped", "ended by the operator");
    report(&run);
    has(&run, "<p>Exit code 137: ended by the operator. <b>The circuit breaker froze the run: "
              "more than 50 deletes within 10s.</b></p>");
    has(&run, "Stopped by a limit</dt><dd class=\"warn\">1</dd>");
    has(&run, "<a href=\"#limits\">");
}

static void what_was_only_marked_is_flagged(void **state)
{
    AUTO(reported_clear) struct reported run = begin();

    (void)state;
    (void)sample_record(
        &run.samples,
        (struct sample){.status = "ALLOWED", .decision = "logged", .rule = "watch", .second = 2});
    end(&run, "0", "exited", "exit code 0");
    report(&run);
    has(&run, "<div class=\"verdict attention\"><strong>Nothing was refused.</strong>");
    has(&run, "<b>1 action was let through and marked:</b>");
    has(&run, "logged by rule watch");
}

static void what_was_lost_is_said(void **state)
{
    AUTO(reported_clear) struct reported run = begin();

    (void)state;
    (void)sample_record(
        &run.samples,
        (struct sample){.kind = "LOSS", .source = "run", .call = "\"op\":\"loss\"", .count = 7});
    end(&run, "0", "exited", "exit code 0");
    report(&run);
    has(&run, "<div class=\"verdict attention\">");
    has(&run, "7 events could not be recorded; each was refused and is accounted for.");
}

static void pieces_of_html(void **state)
{
    AUTO(text_buffer_clear) struct text_buffer html = {0};

    (void)state;
    html_text(&html, STR_VIEW_LITERAL("<a href='x'>\xe2\x80\xae&\"\x1b"), 100);
    html_number(&html, 0);
    text_buffer_append_char(&html, ' ');
    html_number(&html, 1234567);
    text_buffer_append_char(&html, ' ');
    html_number(&html, 999);
    text_buffer_append_char(&html, ' ');
    html_time(&html, 0);
    assert_string_equal(text_buffer_text(&html),
                        "&lt;a href=&#39;x&#39;&gt;\\u{202e}&amp;&quot;\\x1b0 1,234,567 999 "
                        "1970-01-01 00:00:00 UTC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_is_the_runs),
        cmocka_unit_test(success_after_a_refusal_is_flagged),
        cmocka_unit_test(failure_after_a_refusal_is_not),
        cmocka_unit_test(a_breaker_and_an_operator_are_named),
        cmocka_unit_test(what_was_only_marked_is_flagged),
        cmocka_unit_test(what_was_lost_is_said),
        cmocka_unit_test(pieces_of_html),
    };

    return cmocka_run_group_tests_name("report_page", tests, NULL, NULL);
}
