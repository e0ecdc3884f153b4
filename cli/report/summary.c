/* The header and the summary: what a person who reads nothing else should know. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/report/html.h"
#include "cli/report/sections.h"
#include "shared/base/cleanup.h"

#define CHART_WIDTH  1080
#define CHART_HEIGHT 110

static uint64_t grave_count(const struct report_model *model)
{
    uint64_t count = 0;

    for (int risk = 0; risk < RISK_GRAVE_COUNT; risk++) {
        count += model->risks[risk];
    }
    return count;
}

static bool read_line(const struct text_buffer *line, struct audit_record *ret_record)
{
    return line->length > 0 && audit_record_read(text_buffer_view(line), ret_record, NULL) == 0;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* How it ended, as a sentence. */
static void append_ending(struct text_buffer *html, const struct report_model *model)
{
    struct audit_record end;
    struct json_text cause;
    struct json_text detail;

    if (!read_line(&model->end, &end)) {
        text_buffer_append_text(
            html, "The log has no end of this run: it still runs, or it was cut off.");
        return;
    }
    if (!record_member_text(&end, "cause", &cause) ||
        json_text_equals(cause, STR_VIEW_LITERAL("exited"))) {
        text_buffer_printf(html, "The program ended by itself with exit code %" PRId64 ".",
                           model->exit_code);
        return;
    }
    text_buffer_printf(html, "Exit code %" PRId64 ": ", model->exit_code);
    html_json_text(html, record_member_text(&end, "detail", &detail) ? detail : cause);
    text_buffer_append_char(html, '.');
}

/* The first time that it tripped, in the words of its record. */
static void append_breaker(struct text_buffer *html, const struct report_model *model)
{
    struct str_view rest = text_buffer_view(&model->limits);
    struct audit_record record;
    struct json_text action;

    while (rest.length > 0) {
        size_t length = (size_t)((const char *)memchr(rest.bytes, '\n', rest.length) - rest.bytes);
        struct str_view line = {rest.bytes, length};

        if (audit_record_read(line, &record, NULL) == 0 && record.kind == AUDIT_KIND_BREAKER &&
            record.status == AUDIT_STATUS_BLOCKED) {
            bool has_action = record_member_text(&record, "action", &action);
            bool freezes = has_action && json_text_equals(action, STR_VIEW_LITERAL("freeze"));
            bool kills = has_action && json_text_equals(action, STR_VIEW_LITERAL("kill"));

            text_buffer_printf(html, " <b>The circuit breaker %s: ",
                               freezes ? "froze the run"
                               : kills ? "ended the run"
                                       : "let it change no more files");
            html_json_text(html, record.reason);
            text_buffer_append_text(html, ".</b>");
            return;
        }
        rest.bytes += length + 1;
        rest.length -= length + 1;
    }
}

static void append_verdict(struct text_buffer *html, const struct report_model *model)
{
    uint64_t blocked = model->outcomes[OUTCOME_BLOCKED];
    uint64_t logged = model->run->counts.logged;
    uint64_t grave = grave_count(model);
    bool incomplete = model->end.length == 0 || model->lost > 0;
    const char *tone = grave > 0 ? " grave"
                       : blocked > 0 || logged > 0 || model->limit_count > 0 || incomplete
                           ? " attention"
                           : "";

    text_buffer_printf(html, "<div class=\"verdict%s\"><strong>", tone);
    if (blocked == 0) {
        text_buffer_append_text(html, "Nothing was refused.");
    } else {
        html_number(html, blocked);
        text_buffer_printf(html, " action%s refused, before %s any effect.",
                           blocked == 1 ? " was" : "s were", blocked == 1 ? "it had" : "they had");
    }
    text_buffer_append_text(html, "</strong><p>");
    append_ending(html, model);
    append_breaker(html, model);
    if (blocked > 0 && model->exit_code == 0) {
        text_buffer_append_text(html,
                                " It reported success although it was refused things it tried: "
                                "<b>check its result before you rely on it.</b>");
    }
    if (grave > 0) {
        text_buffer_append_text(html, " ");
        html_number(html, grave);
        text_buffer_printf(html,
                           " of the refused actions %s of a kind that honest work seldom needs.",
                           grave == 1 ? "is" : "are");
    }
    if (logged > 0) {
        text_buffer_append_text(html, " <b>");
        html_number(html, logged);
        text_buffer_printf(html,
                           " action%s let through and marked:</b> the policy asks that somebody "
                           "looks at %s (<i>logged</i> in the timeline).",
                           logged == 1 ? " was" : "s were", logged == 1 ? "it" : "them");
    }
    if (model->lost > 0) {
        text_buffer_append_text(html, " ");
        html_number(html, model->lost);
        text_buffer_printf(html,
                           " event%s could not be recorded; each was refused and is accounted for.",
                           plural(model->lost));
    }
    text_buffer_append_text(html, "</p></div>\n");
}

void section_header(struct text_buffer *html, const struct report_model *model)
{
    const struct run_entry *run = model->run;
    struct audit_record start;
    struct json_text name = {0};
    bool has_start = read_line(&model->start, &start);

    text_buffer_append_text(
        html, "<header class=\"top\"><p class=\"eyebrow\">failcore run report</p>\n<h1>");
    if (has_start && record_member_text(&start, "name", &name) && name.escaped.length > 0) {
        html_json_text(html, name);
    } else {
        html_text(html, str_view_from(run->id), HTML_COLUMNS_MOST);
    }
    text_buffer_append_text(html, "</h1>\n<p class=\"meta\">run <code>");
    html_text(html, str_view_from(run->id), HTML_COLUMNS_MOST);
    text_buffer_append_text(html, "</code> &middot; ");
    html_time(html, run->first_ns);
    text_buffer_append_text(html, " &middot; ");
    append_duration(html, (uint64_t)(run->last_ns - run->first_ns));
    text_buffer_append_text(html, " &middot; policy ");
    html_text(html, str_view_from(run->policy_name), 60);
    text_buffer_append_char(html, ' ');
    html_text(html, str_view_from(run->policy_version), 30);
    text_buffer_append_text(html, "</p>\n");
    append_verdict(html, model);
    text_buffer_append_text(html, "</header>\n");
}

/* ---- cards, risks, chart ----------------------------------------------------------------------
 */

static void append_card(struct text_buffer *html, const char *name, uint64_t number,
                        const char *paint)
{
    text_buffer_printf(html, "<div><dt>%s</dt><dd class=\"%s\">", name, number > 0 ? paint : "");
    html_number(html, number);
    text_buffer_append_text(html, "</dd></div>");
}

static void append_cards(struct text_buffer *html, const struct report_model *model)
{
    const struct ledger *ledger = &model->ledger;
    uint64_t decisions = 0;

    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        decisions += model->outcomes[outcome];
    }
    text_buffer_append_text(html, "<dl class=\"cards\">");
    append_card(html, "Requests decided", decisions, "");
    append_card(html, "Blocked by us", model->outcomes[OUTCOME_BLOCKED], "bad");
    append_card(html, "Failed by themselves", model->outcomes[OUTCOME_FAILED], "warn");
    append_card(html, "Stopped by a limit",
                model->outcomes[OUTCOME_LIMIT] + model->outcomes[OUTCOME_TIMEOUT] +
                    model->limit_count,
                "warn");
    append_card(html, "Files touched", ledger->history.files.count, "");
    append_card(html, "Hosts", model->hosts.count, "");
    append_card(html, "Programs started", ledger->started, "");
    text_buffer_append_text(html, "<div><dt>Sent</dt><dd>");
    append_size(html, ledger->bytes_out);
    text_buffer_append_text(html, "</dd></div></dl>\n");
}

static void append_risks(struct text_buffer *html, const struct report_model *model)
{
    bool any = false;

    for (enum report_risk risk = 0; risk < RISK_COUNT; risk++) {
        if (model->risks[risk] == 0) {
            continue;
        }
        text_buffer_append_text(
            html, any ? "" : "<h3>What it tried and did not get</h3>\n<ul class=\"risks\">\n");
        any = true;
        text_buffer_printf(html, "<li><span class=\"count%s\">",
                           (int)risk < RISK_GRAVE_COUNT ? " bad" : "");
        html_number(html, model->risks[risk]);
        text_buffer_printf(
            html, "</span><span><b>%s</b><br><span class=\"soft\">It %s.</span></span></li>\n",
            report_risk_title(risk), report_risk_meaning(risk));
    }
    text_buffer_append_text(html, any ? "</ul>\n" : "");
}

/* Anything that is there is at least a line high. */
static unsigned int height_of(uint64_t count, uint64_t peak)
{
    return count == 0 ? 0 : 2 + (unsigned int)((double)count / (double)peak * (CHART_HEIGHT - 6));
}

static void append_bar(struct text_buffer *html, const char *paint, int x, unsigned int *base,
                       unsigned int height)
{
    if (height > 0) {
        text_buffer_printf(html,
                           "<rect class=\"%s\" x=\"%d\" y=\"%u\" width=\"13\" height=\"%u\"/>",
                           paint, x, *base - height, height);
        *base -= height;
    }
}

static void append_chart(struct text_buffer *html, const struct report_model *model)
{
    if (model->peak == 0) {
        return;
    }
    text_buffer_printf(html,
                       "<h3>Activity over time</h3>\n<svg class=\"chart\" viewBox=\"0 0 %d %d\" "
                       "preserveAspectRatio=\"none\" role=\"img\" "
                       "aria-label=\"requests over time: allowed, failed, blocked\">",
                       CHART_WIDTH, CHART_HEIGHT);
    for (int i = 0; i < REPORT_BUCKETS; i++) {
        const struct report_bucket *bucket = &model->buckets[i];
        unsigned int base = CHART_HEIGHT;

        if (bucket->allowed + bucket->failed + bucket->blocked == 0) {
            continue;
        }
        text_buffer_printf(
            html, "<g><title>%" PRIu64 " allowed, %" PRIu64 " failed, %" PRIu64 " blocked</title>",
            bucket->allowed, bucket->failed, bucket->blocked);
        append_bar(html, "allowed", i * 15, &base, height_of(bucket->allowed, model->peak));
        append_bar(html, "failed", i * 15, &base, height_of(bucket->failed, model->peak));
        append_bar(html, "blocked", i * 15, &base, height_of(bucket->blocked, model->peak));
        text_buffer_append_text(html, "</g>");
    }
    text_buffer_append_text(html, "</svg>\n<div class=\"scale\"><span>");
    html_time(html, model->run->first_ns);
    text_buffer_append_text(html, "</span><span>");
    append_duration(html, (uint64_t)(model->run->last_ns - model->run->first_ns));
    text_buffer_append_text(html, " later</span></div>\n<ul class=\"legend\"><li>allowed</li>"
                                  "<li class=\"failed\">failed by themselves</li>"
                                  "<li class=\"blocked\">blocked by us</li></ul>\n");
}

void section_summary(struct text_buffer *html, const struct report_model *model)
{
    text_buffer_append_text(html, "<section id=\"summary\"><h2>Summary</h2>\n");
    append_cards(html, model);
    append_risks(html, model);
    append_chart(html, model);
    text_buffer_append_text(html, "</section>\n");
}
