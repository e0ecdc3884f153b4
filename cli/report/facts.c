/* The facts of the run. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/report/html.h"
#include "cli/report/sections.h"
#include "shared/base/cleanup.h"

static void append_fact(struct text_buffer *html, const char *name, struct json_text value)
{
    if (value.escaped.length > 0) {
        text_buffer_printf(html, "<dt>%s</dt><dd>", name);
        html_json_text(html, value);
        text_buffer_append_text(html, "</dd>\n");
    }
}

static void append_member(struct text_buffer *html, const struct audit_record *start,
                          const char *member, const char *name)
{
    struct json_text value;

    if (record_member_text(start, member, &value)) {
        append_fact(html, name, value);
    }
}

static void append_count_member(struct text_buffer *html, const struct audit_record *start,
                                const char *member, const char *name)
{
    uint64_t value;

    if (record_member_count(start, member, &value)) {
        text_buffer_printf(html, "<dt>%s</dt><dd>%" PRIu64 "</dd>\n", name, value);
    }
}

static void append_layers(struct text_buffer *html, const struct audit_record *start)
{
    struct str_view raw;
    struct json_scan scan;
    bool first = true;

    if (!record_member(start, "layers", &raw)) {
        return;
    }
    scan = json_scan_init(raw);
    text_buffer_append_text(html, "<dt>Layers in force</dt><dd>");
    while (json_scan_char(&scan, first ? '[' : ',')) {
        struct json_text layer;

        if (!json_scan_string(&scan, &layer)) {
            break;
        }
        text_buffer_append_text(html, first ? "" : ", ");
        html_json_text(html, layer);
        first = false;
    }
    text_buffer_append_text(html, "</dd>\n");
}

static void append_policy_text(struct text_buffer *html, const struct audit_record *start)
{
    AUTO(text_buffer_clear) struct text_buffer policy = {0};
    struct json_text value;
    struct str_view rest;

    if (!record_member_text(start, "policy", &value)) {
        return;
    }
    json_text_append(&policy, value);
    rest = text_buffer_view(&policy);
    text_buffer_append_text(
        html, "<details><summary>The policy in full, as the run obeyed it</summary><pre>");
    while (rest.length > 0) { /* its own line ends are the only control characters that stay */
        const char *newline = memchr(rest.bytes, '\n', rest.length);
        size_t length = newline == NULL ? rest.length : (size_t)(newline - rest.bytes);

        html_text(html, (struct str_view){rest.bytes, length}, 4000);
        text_buffer_append_char(html, '\n');
        rest.bytes += length + (newline != NULL);
        rest.length -= length + (newline != NULL);
    }
    text_buffer_append_text(html, "</pre></details>\n");
}

void section_run(struct text_buffer *html, const struct report_model *model)
{
    const struct run_entry *run = model->run;
    struct audit_record start;
    bool has_start = model->start.length > 0 &&
                     audit_record_read(text_buffer_view(&model->start), &start, NULL) == 0;

    text_buffer_append_text(html, "<section id=\"run\"><h2>The run</h2>\n<dl class=\"facts\">\n"
                                  "<dt>Run</dt><dd class=\"mono\">");
    html_text(html, str_view_from(run->id), HTML_COLUMNS_MOST);
    text_buffer_append_text(html, "</dd>\n<dt>From, to</dt><dd>");
    html_time(html, run->first_ns);
    text_buffer_append_text(html, ", ");
    html_time(html, run->last_ns);
    text_buffer_append_text(html, "</dd>\n");
    if (has_start) {
        append_member(html, &start, "name", "Name");
        append_count_member(html, &start, "launcher_uid", "Started by uid");
        append_count_member(html, &start, "workload_uid", "Ran as uid");
        append_member(html, &start, "host", "Host");
        append_member(html, &start, "kernel", "Kernel");
        append_member(html, &start, "failcore", "failcore");
        append_member(html, &start, "workspace", "Workspace");
        append_member(html, &start, "network", "Network");
        append_layers(html, &start);
    } else {
        text_buffer_append_text(html,
                                "<dt>Start</dt><dd>the log has no START record of this run</dd>\n");
    }
    text_buffer_append_text(html, "<dt>Policy</dt><dd>");
    html_text(html, str_view_from(run->policy_name), HTML_COLUMNS_MOST);
    text_buffer_append_char(html, ' ');
    html_text(html, str_view_from(run->policy_version), HTML_COLUMNS_MOST);
    text_buffer_append_text(html, " <code>");
    html_text(html, str_view_from(run->policy_hash), HTML_COLUMNS_MOST);
    text_buffer_append_text(html, "</code></dd>\n<dt>Records</dt><dd>");
    html_number(html, run->counts.records);
    text_buffer_printf(html, ", from %" PRIu64 " to %" PRIu64 "</dd>\n</dl>\n", run->first_seq,
                       run->last_seq);
    if (has_start) {
        append_policy_text(html, &start);
    }
    text_buffer_append_text(html, "</section>\n");
}
