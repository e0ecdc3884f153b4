/*
 * The timeline twice: as numbers and a table of texts for the script, which puts only the rows in
 * sight into the document; and as a plain table, short, for paper and for browsers without one.
 */
#include <errno.h>
#include <inttypes.h>

#include "cli/report/html.h"
#include "cli/report/sections.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

#define ROWS_MOST         500000U
#define STATIC_ROWS_MOST  600U
#define STATIC_PLAIN_MOST 150U /* of rows where nothing happened that asks for a look */

struct data {
    const struct report_model *model;
    struct tally texts; /* number 0: place in the table */
    struct text_buffer table;
    struct text_buffer rows;
    struct text_buffer plain; /* the static table's rows */
    uint64_t last_seq;
    int64_t last_ms;
    uint64_t row_count;
    uint64_t left_out;
    uint64_t static_rows;
    uint64_t static_plain;
    struct event_row held[2];
    unsigned int which;
};

/* A JSON string inside a script element: markup cannot end it. */
static void append_script_string(struct text_buffer *text, struct str_view inert)
{
    AUTO(text_buffer_clear) struct text_buffer quoted = {0};

    text_buffer_append_json_string(&quoted, inert);
    for (size_t i = 0; i < quoted.length; i++) {
        char byte = quoted.bytes[i];

        if (byte == '<' || byte == '>' || byte == '&') {
            text_buffer_printf(text, "\\u%04x", (unsigned int)byte);
        } else {
            text_buffer_append_char(text, byte);
        }
    }
}

static uint64_t place_of(struct data *data, struct str_view inert)
{
    struct tally_row *row = tally_at(&data->texts, inert);

    if (row == NULL) {
        data->table.error = -ENOMEM;
        return 0;
    }
    if (row->first_seq == UINT64_MAX) {
        row->first_seq = 0;
        row->numbers[0] = data->texts.count - 1;
        text_buffer_append_text(&data->table, data->texts.count > 1 ? ",\n" : "");
        append_script_string(&data->table, inert);
    }
    return row->numbers[0];
}

static uint64_t place_of_bytes(struct data *data, const struct text_buffer *bytes,
                               const struct text_buffer *second)
{
    AUTO(text_buffer_clear) struct text_buffer inert = {0};

    inert_text_append_cut(&inert, text_buffer_view(bytes), HTML_COLUMNS_MOST, INERT_TERMINAL);
    if (second->length > 0) {
        text_buffer_append_text(&inert, " → ");
        inert_text_append_cut(&inert, text_buffer_view(second), HTML_COLUMNS_MOST, INERT_TERMINAL);
    }
    return place_of(data, text_buffer_view(&inert));
}

static void append_data_row(struct data *data, const struct event_row *row)
{
    static const struct text_buffer none;
    int64_t ms = (row->time_ns - data->model->run->first_ns) / 1000000;

    if (data->row_count == ROWS_MOST) {
        data->left_out++;
        return;
    }
    text_buffer_printf(&data->rows, "%s%" PRIu64 ",%" PRId64 ",%d,",
                       data->row_count > 0 ? ",\n" : "", row->seq - data->last_seq,
                       ms - data->last_ms, (int)row->outcome);
    text_buffer_printf(&data->rows, "%" PRIu64 ",",
                       place_of_bytes(data, &row->words.process, &none));
    text_buffer_printf(&data->rows, "%" PRIu64 ",", place_of_bytes(data, &row->words.verb, &none));
    text_buffer_printf(&data->rows, "%" PRIu64 ",",
                       place_of_bytes(data, &row->words.target, &row->words.target2));
    text_buffer_printf(
        &data->rows, "%" PRIu64 ",%" PRIu64,
        place_of(data, text_buffer_view(row->why.length > 0 ? &row->why : &row->notes)),
        row->count);
    data->last_seq = row->seq;
    data->last_ms = ms;
    data->row_count++;
}

static const char *paint_of(enum event_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_BLOCKED:
        return "bad";
    case OUTCOME_FAILED:
    case OUTCOME_TIMEOUT:
    case OUTCOME_LIMIT:
        return "warn";
    case OUTCOME_OK:
        return "good";
    case OUTCOME_ALLOWED:
    case OUTCOME_LOGGED:
    case OUTCOME_REDACTED:
    case OUTCOME_NOTE:
    case OUTCOME_COUNT:
        break;
    }
    return "soft";
}

static void append_static_row(struct data *data, const struct event_row *row)
{
    struct text_buffer *html = &data->plain;
    bool is_plain = row->outcome == OUTCOME_OK || row->outcome == OUTCOME_ALLOWED;
    int64_t ms = (row->time_ns - data->model->run->first_ns) / 1000000;

    if (data->static_rows == STATIC_ROWS_MOST ||
        (is_plain && data->static_plain == STATIC_PLAIN_MOST)) {
        return;
    }
    data->static_rows++;
    data->static_plain += is_plain;
    text_buffer_printf(html,
                       "<tr><td class=\"number soft\">%" PRIu64
                       "</td><td class=\"number soft\">%" PRId64
                       ".%03d s</td><td class=\"nowrap %s\">%s</td><td><b>",
                       row->seq, ms / 1000, (int)(ms % 1000), paint_of(row->outcome),
                       event_outcome_word(row->outcome));
    html_text(html, text_buffer_view(&row->words.verb), 30);
    text_buffer_append_text(html, "</b> <span class=\"mono\">");
    html_text(html, text_buffer_view(&row->words.target), 120);
    if (row->words.target2.length > 0) {
        text_buffer_append_text(html, " &rarr; ");
        html_text(html, text_buffer_view(&row->words.target2), 120);
    }
    text_buffer_append_text(html, "</span>");
    if (row->count > 1) {
        text_buffer_printf(html, " &times;%" PRIu64, row->count);
    }
    text_buffer_append_text(html, " <span class=\"soft\">");
    html_inert(html, text_buffer_view(row->why.length > 0 ? &row->why : &row->notes));
    text_buffer_append_text(html, "</span></td></tr>\n");
}

static void flush_row(struct data *data)
{
    struct event_row *row = &data->held[data->which];

    if (row->filled) {
        append_data_row(data, row);
        append_static_row(data, row);
        row->filled = false;
    }
}

static void add_row(struct data *data, const struct audit_record *record)
{
    struct event_row *held = &data->held[data->which];
    struct event_row *next = &data->held[1 - data->which];

    event_row_set(next, &data->model->results, record);
    if (event_row_folds(held, next)) {
        held->count += next->count;
        next->filled = false;
        return;
    }
    flush_row(data);
    data->which = 1 - data->which;
}

static int read_rows(struct data *data, struct log_view *view, struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        if (event_row_is_wanted(&record)) {
            add_row(data, &record);
        }
        got = 0;
    }
    flush_row(data);
    if (got == 0 && (text_buffer_error(&data->table) < 0 || text_buffer_error(&data->rows) < 0 ||
                     text_buffer_error(&data->plain) < 0)) {
        return failure_set(reterr, -ENOMEM, "cannot report: no memory");
    }
    return got;
}

static void append_tools(struct text_buffer *html)
{
    text_buffer_append_text(
        html,
        "<div class=\"tools\"><input type=\"search\" id=\"search\" placeholder=\"Search paths, "
        "hosts, programs, rules\" "
        "aria-label=\"Search the timeline\"><button type=\"button\" aria-pressed=\"true\" "
        "data-outcomes=\"\">all</button>"
        "<button type=\"button\" aria-pressed=\"false\" data-outcomes=\"BLOCKED\">blocked</button>"
        "<button type=\"button\" aria-pressed=\"false\" data-outcomes=\"FAIL TIMEOUT "
        "LIMIT\">failed</button>"
        "<button type=\"button\" aria-pressed=\"false\" data-outcomes=\"ok allowed logged "
        "redacted\">allowed</button>"
        "<button type=\"button\" aria-pressed=\"false\" data-outcomes=\"logged\">logged</button>"
        "<span class=\"soft\" id=\"count\" role=\"status\"></span></div>\n"
        "<div class=\"grid\" id=\"grid\" tabindex=\"0\" role=\"grid\" aria-label=\"Timeline\"><div "
        "id=\"spacer\"></div>"
        "<div class=\"window\" id=\"window\" role=\"rowgroup\"></div></div>\n"
        "<div class=\"detail mono\" id=\"detail\" role=\"status\"></div>\n");
}

static void append_static_table(struct text_buffer *html, const struct data *data)
{
    text_buffer_append_text(
        html, "<div class=\"static\"><table><thead><tr><th class=\"number\">record</th>"
              "<th class=\"number\">after</th><th>outcome</th><th>what</th></tr></thead><tbody>\n");
    text_buffer_append(html, text_buffer_view(&data->plain));
    text_buffer_append_text(html, "</tbody></table>\n");
    if (data->static_rows < data->row_count + data->left_out) {
        text_buffer_append_text(html, "<p class=\"hint\">");
        html_number(html, data->static_rows);
        text_buffer_append_text(html, " of ");
        html_number(html, data->row_count + data->left_out);
        text_buffer_append_text(
            html, " rows: the refused and failed ones first. All of them: with scripts "
                  "allowed, or <code>failcore show</code>.</p>\n");
    }
    text_buffer_append_text(html, "</div>\n");
}

static void append_data(struct text_buffer *html, const struct data *data)
{
    text_buffer_printf(html,
                       "<script type=\"application/json\" id=\"rows\">{\"t\":%" PRId64 ",\"o\":[",
                       data->model->run->first_ns / 1000000);
    for (enum event_outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        text_buffer_printf(html, "%s\"%s\"", outcome > 0 ? "," : "", event_outcome_word(outcome));
    }
    text_buffer_append_text(html, "],\"s\":[");
    text_buffer_append(html, text_buffer_view(&data->table));
    text_buffer_append_text(html, "],\"r\":[");
    text_buffer_append(html, text_buffer_view(&data->rows));
    text_buffer_append_text(html, "]}</script>\n");
}

static void data_clear(struct data *data)
{
    tally_clear(&data->texts);
    text_buffer_clear(&data->table);
    text_buffer_clear(&data->rows);
    text_buffer_clear(&data->plain);
    event_row_clear(&data->held[0]);
    event_row_clear(&data->held[1]);
}

int section_timeline(struct text_buffer *html, const struct report_model *model,
                     struct log_view *view, struct failure *reterr)
{
    AUTO(data_clear) struct data data = {.model = model};
    int error = read_rows(&data, view, reterr);

    if (error < 0) {
        return error;
    }
    text_buffer_append_text(
        html,
        "<section id=\"timeline\"><h2>What happened</h2>\n<p class=\"hint\">A decision and what "
        "came of it are one row. Times in UTC. <span class=\"tools\">Press / to search, "
        "arrow keys to move.</span></p>\n");
    append_tools(html);
    append_static_table(html, &data);
    if (data.left_out > 0) {
        text_buffer_append_text(html, "<p class=\"hint\">");
        html_number(html, data.left_out);
        text_buffer_append_text(
            html, " further rows are in the log only: <code>failcore show</code>.</p>\n");
    }
    text_buffer_append_text(html, "</section>\n");
    append_data(html, &data);
    return 0;
}
