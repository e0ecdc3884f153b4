#include "cli/report/sections.h"

#include <inttypes.h>

#include "cli/report/html.h"
#include "shared/base/cleanup.h"
#include "shared/policy/denial_codes.h"

#define TABLE_ROWS_MOST 500
#define BAR_ROWS_MOST   12

static void section_begin(struct text_buffer *html, const char *id, const char *title,
                          const char *hint)
{
    text_buffer_printf(html, "<section id=\"%s\"><h2>%s</h2>\n<p class=\"hint\">%s</p>\n", id,
                       title, hint);
}

static void section_end(struct text_buffer *html)
{
    text_buffer_append_text(html, "</section>\n");
}

static void append_rest(struct text_buffer *html, size_t all, const char *where)
{
    if (all > TABLE_ROWS_MOST) {
        text_buffer_append_text(html, "<p class=\"hint\">");
        html_number(html, all - TABLE_ROWS_MOST);
        text_buffer_printf(html, " more: <code>%s</code></p>\n", where);
    }
}

static size_t at_most(size_t count, size_t most)
{
    return count < most ? count : most;
}

/* ---- what was blocked
 * ---------------------------------------------------------------------------- */

static const char *mend_of(const char *word)
{
    for (enum denial_code code = 1; code < DENIAL_CODE_COUNT; code++) {
        if (str_view_equals_text(str_view_from(word), denial_code_word(code))) {
            return denial_code_mend(code);
        }
    }
    return "";
}

/* SR31: no loosening is put into a reader's mouth for these. */
static const char *remedy_of(const struct refusal *refusal)
{
    switch (refusal->risk) {
    case RISK_SECRETS:
    case RISK_HOST_TOOLS:
        return "no rule is suggested for this one";
    case RISK_PRIVATE_NETWORK:
        return "stays closed to names; see failcore why";
    case RISK_LIMITS: /* no rule of the policy's either way */
        return mend_of(refusal->code);
    case RISK_ESCAPE:
    case RISK_PROGRAMS:
    case RISK_DELETION:
    case RISK_HOSTS:
    case RISK_FILES:
    case RISK_INTERNAL:
    case RISK_COUNT:
        break;
    }
    return refusal->by_rule ? "a rule denies it; whoever owns the policy may narrow that rule"
                            : mend_of(refusal->code);
}

static void append_target(struct text_buffer *html, const struct event_words *words)
{
    html_text(html, text_buffer_view(&words->target), HTML_COLUMNS_MOST);
    if (words->target2.length > 0) {
        text_buffer_append_text(html, " &rarr; ");
        html_text(html, text_buffer_view(&words->target2), HTML_COLUMNS_MOST);
    }
}

/* The code has a column of its own. */
static struct str_view without_code(const struct refusal *refusal)
{
    struct str_view why = text_buffer_view(&refusal->row.why);
    size_t length = strlen(refusal->code);

    if (str_view_starts_with(why, str_view_from(refusal->code))) {
        length += strspn(why.bytes + length, ", ");
        why = (struct str_view){why.bytes + length, why.length - length};
    }
    return why;
}

static void append_refusal_row(struct text_buffer *html, const struct refusal *refusal)
{
    text_buffer_append_text(html, "<tr><td class=\"nowrap\"><span class=\"tag bad\">");
    html_text(html, str_view_from(refusal->code), 40);
    text_buffer_append_text(html, "</span></td><td><b>");
    html_text(html, text_buffer_view(&refusal->row.words.verb), 30);
    text_buffer_append_text(html, "</b> <span class=\"mono\">");
    append_target(html, &refusal->row.words);
    text_buffer_append_text(html, "</span><br><span class=\"soft\">");
    html_inert(html, without_code(refusal));
    text_buffer_append_text(html, "</span></td>");
    html_number_cell(html, "times", refusal->row.count);
    text_buffer_append_text(html, "<td class=\"soft\">");
    html_inert(html, str_view_from(remedy_of(refusal)));
    text_buffer_printf(
        html, "</td><td class=\"number soft\" data-name=\"record\">%" PRIu64 "</td></tr>\n",
        refusal->row.seq);
}

void section_blocked(struct text_buffer *html, const struct report_model *model)
{
    section_begin(
        html, "blocked", "What was blocked",
        "Refused by the policy or by a boundary, before any effect. What failed by itself "
        "is not here.");
    if (model->refusal_count == 0) {
        text_buffer_append_text(html, "<p class=\"good\">Nothing.</p>\n");
        section_end(html);
        return;
    }
    text_buffer_append_text(
        html, "<table class=\"stack\"><thead><tr><th>code</th><th>attempt and reason</th>"
              "<th class=\"number\">times</th><th class=\"wide\">remedy</th>"
              "<th class=\"number\">first record</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < at_most(model->refusal_count, TABLE_ROWS_MOST); i++) {
        append_refusal_row(html, &model->refusals[i]);
    }
    text_buffer_append_text(html, "</tbody></table>\n");
    append_rest(html, model->refusal_count, "failcore show --blocked");
    section_end(html);
}

/* ---- what changed
 * -------------------------------------------------------------------------------- */

static uint64_t largest(const struct tally *tally, const unsigned int *numbers, size_t count)
{
    uint64_t most = 1;

    for (size_t i = 0; i < tally->count; i++) {
        for (size_t j = 0; j < count; j++) {
            uint64_t number = tally->rows[i]->numbers[numbers[j]];

            most = number > most ? number : most;
        }
    }
    return most;
}

/* A line of two bars, one above the other, in the table cell's width. */
static void append_bars(struct text_buffer *html, const char *const paints[2], uint64_t upper,
                        uint64_t lower, uint64_t most)
{
    const uint64_t numbers[2] = {upper, lower};

    text_buffer_append_text(
        html,
        "<td><svg viewBox=\"0 0 300 18\" preserveAspectRatio=\"none\" role=\"presentation\">");
    for (int i = 0; i < 2; i++) {
        if (numbers[i] > 0) {
            text_buffer_printf(
                html, "<rect class=\"%s\" x=\"0\" y=\"%d\" width=\"%u\" height=\"7\" rx=\"2\"/>",
                paints[i], 1 + i * 9, 2 + (unsigned int)((double)numbers[i] / (double)most * 298));
        }
    }
    text_buffer_append_text(html, "</svg></td>");
}

static void append_directories(struct text_buffer *html, const struct report_model *model)
{
    static const char *const paints[2] = {"out", "blocked"};
    static const unsigned int numbers[] = {DIRECTORY_ALL};
    uint64_t most = largest(&model->directories, numbers, 1);

    if (model->directories.count == 0) {
        return;
    }
    text_buffer_append_text(
        html,
        "<h3>Where it worked</h3>\n<table class=\"stack\"><thead><tr><th>directory</th>"
        "<th class=\"number\">reads</th><th class=\"number\">changes</th>"
        "<th class=\"number\">blocked</th><th class=\"wide\">share</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < at_most(model->directories.count, BAR_ROWS_MOST); i++) {
        const struct tally_row *row = model->directories.rows[i];

        text_buffer_append_text(html, "<tr><td class=\"mono\">");
        html_text(html, row->key, 80);
        text_buffer_append_text(html, "</td>");
        html_number_cell(html, "reads", row->numbers[DIRECTORY_READS]);
        html_number_cell(html, "changes", row->numbers[DIRECTORY_CHANGES]);
        html_number_cell(html, "blocked", row->numbers[DIRECTORY_BLOCKED]);
        append_bars(html, paints, row->numbers[DIRECTORY_READS] + row->numbers[DIRECTORY_CHANGES],
                    row->numbers[DIRECTORY_BLOCKED], most);
        text_buffer_append_text(html, "</tr>\n");
    }
    text_buffer_append_text(
        html, "</tbody></table>\n<ul class=\"legend\"><li class=\"out\">reads and changes</li>"
              "<li class=\"blocked\">blocked</li></ul>\n");
}

static void append_files(struct text_buffer *html, const struct ledger *ledger)
{
    text_buffer_append_text(
        html, "<h3>Files</h3>\n<table class=\"stack\"><thead><tr><th>path</th><th></th><th>what "
              "became of it</th>"
              "<th class=\"number\">written</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < at_most(ledger->history.files.count, TABLE_ROWS_MOST); i++) {
        const struct tally_row *row = ledger->history.files.rows[i];

        text_buffer_append_text(html, "<tr><td class=\"mono\">");
        html_text(html, row->key, HTML_COLUMNS_MOST);
        text_buffer_printf(html, "</td><td class=\"nowrap\">%s</td><td class=\"soft\">",
                           file_fate_word(file_fate_of(row)));
        append_effects(html, row);
        text_buffer_append_text(html, "</td><td class=\"number\" data-name=\"written\">");
        append_size(html, row->numbers[EFFECT_BYTES_WRITTEN]);
        text_buffer_append_text(html, "</td></tr>\n");
    }
    text_buffer_append_text(html, "</tbody></table>\n");
    append_rest(html, ledger->history.files.count, "failcore show --effects");
}

void section_effects(struct text_buffer *html, const struct report_model *model)
{
    const struct ledger *ledger = &model->ledger;
    uint64_t fates[FATE_COUNT];

    section_begin(html, "files", "What it changed",
                  "Counted from results: what was done, not what was attempted.");
    file_history_fates(&ledger->history, fates);
    text_buffer_append_text(html, "<p>");
    html_number(html, fates[FATE_CREATED]);
    text_buffer_append_text(html, " new, ");
    html_number(html, fates[FATE_CHANGED]);
    text_buffer_append_text(html, " changed, ");
    html_number(html, fates[FATE_DELETED]);
    text_buffer_append_text(html, " gone, ");
    html_number(html, fates[FATE_TEMPORARY]);
    text_buffer_append_text(html, " temporary; ");
    html_number(html, ledger->renamed);
    text_buffer_append_text(html, ledger->renamed == 1 ? " rename." : " renames.");
    if (ledger->pending > 0) {
        text_buffer_append_text(html, " <b>");
        html_number(html, ledger->pending);
        text_buffer_append_text(html, ledger->pending == 1
                                          ? " allowed change has no result in the log.</b>"
                                          : " allowed changes have no result in the log.</b>");
    }
    text_buffer_append_text(html, "</p>\n");
    if (ledger->history.files.count > 0) {
        append_files(html, ledger);
    }
    append_directories(html, model);
    section_end(html);
}

/* ---- network, programs
 * -------------------------------------------------------------------------------- */

void section_network(struct text_buffer *html, const struct report_model *model)
{
    static const char *const paints[2] = {"in", "out"};
    static const unsigned int numbers[] = {REPORT_HOST_IN, REPORT_HOST_OUT};
    uint64_t most = largest(&model->hosts, numbers, 2);

    section_begin(
        html, "network", "Whom it talked to",
        "By the name it asked for, else by address. Bytes are those of ended connections.");
    if (model->hosts.count == 0) {
        text_buffer_append_text(html, "<p>Nobody.</p>\n");
        section_end(html);
        return;
    }
    text_buffer_append_text(
        html, "<table class=\"stack\"><thead><tr><th>host</th><th class=\"number\">connections</th>"
              "<th class=\"number\">blocked</th><th class=\"number\">received</th>"
              "<th class=\"number\">sent</th><th class=\"wide\">share</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < at_most(model->hosts.count, TABLE_ROWS_MOST); i++) {
        const struct tally_row *row = model->hosts.rows[i];

        text_buffer_append_text(html, "<tr><td class=\"mono\">");
        html_text(html, row->key, 120);
        text_buffer_append_text(html, "</td>");
        html_number_cell(html, "connections", row->numbers[REPORT_HOST_ALLOWED]);
        html_number_cell(html, "blocked", row->numbers[REPORT_HOST_BLOCKED]);
        text_buffer_append_text(html, "<td class=\"number\" data-name=\"received\">");
        append_size(html, row->numbers[REPORT_HOST_IN]);
        text_buffer_append_text(html, "</td><td class=\"number\" data-name=\"sent\">");
        append_size(html, row->numbers[REPORT_HOST_OUT]);
        text_buffer_append_text(html, "</td>");
        append_bars(html, paints, row->numbers[REPORT_HOST_IN], row->numbers[REPORT_HOST_OUT],
                    most);
        text_buffer_append_text(html, "</tr>\n");
    }
    text_buffer_append_text(html, "</tbody></table>\n<ul class=\"legend\"><li>received</li>"
                                  "<li class=\"out\">sent</li></ul>\n");
    append_rest(html, model->hosts.count, "failcore show --host HOST");
    section_end(html);
}

static void append_process(struct text_buffer *html, const struct tally_row *row)
{
    text_buffer_append_text(html, "<tr><td class=\"mono\">");
    html_text(html, row->key, HTML_COLUMNS_MOST);
    text_buffer_append_text(html, "</td>");
    html_number_cell(html, "processes", row->numbers[PROCESS_COUNT]);
    html_number_cell(html, "requests", row->numbers[PROCESS_EVENTS]);
    html_number_cell(html, "blocked", row->numbers[PROCESS_BLOCKED]);
    text_buffer_append_text(html, "</tr>\n");
}

void section_programs(struct text_buffer *html, const struct report_model *model)
{
    const struct tally *programs = &model->ledger.programs;

    section_begin(html, "programs", "What ran",
                  "Programs that were let through to the kernel, and who asked for something.");
    if (programs->count > 0) {
        text_buffer_append_text(html, "<table class=\"stack\"><thead><tr><th>program</th><th "
                                      "class=\"number\">started</th></tr></thead><tbody>\n");
    }
    for (size_t i = 0; i < at_most(programs->count, TABLE_ROWS_MOST); i++) {
        text_buffer_append_text(html, "<tr><td class=\"mono\">");
        html_text(html, programs->rows[i]->key, HTML_COLUMNS_MOST);
        text_buffer_append_text(html, "</td>");
        html_number_cell(html, "started", programs->rows[i]->numbers[0]);
        text_buffer_append_text(html, "</tr>\n");
    }
    text_buffer_append_text(html, programs->count > 0 ? "</tbody></table>\n" : "");
    if (model->processes.count > 0) {
        text_buffer_append_text(html, "<h3>Who asked for something</h3>\n<table "
                                      "class=\"stack\"><thead><tr><th>executable</th>"
                                      "<th class=\"number\">processes</th>"
                                      "<th class=\"number\">requests</th><th "
                                      "class=\"number\">blocked</th></tr></thead><tbody>\n");
        for (size_t i = 0; i < at_most(model->processes.count, TABLE_ROWS_MOST); i++) {
            append_process(html, model->processes.rows[i]);
        }
        text_buffer_append_text(html, "</tbody></table>\n");
        append_rest(html, model->processes.count, "failcore show");
    }
    section_end(html);
}

void section_limits(struct text_buffer *html, const struct report_model *model)
{
    AUTO(event_row_clear) struct event_row row = {0};
    struct str_view rest = text_buffer_view(&model->limits);

    if (rest.length == 0) {
        return;
    }
    section_begin(html, "limits", "Limits and breakers",
                  "What was stopped because there was too much of it.");
    text_buffer_append_text(html, "<table><tbody>\n");
    while (rest.length > 0) {
        const char *newline = memchr(rest.bytes, '\n', rest.length);
        struct str_view line = {rest.bytes, (size_t)(newline - rest.bytes)};
        struct audit_record record;

        if (audit_record_read(line, &record, NULL) == 0) {
            event_row_set(&row, NULL, &record);
            text_buffer_append_text(html, "<tr><td class=\"nowrap\"><span class=\"tag warn\">");
            html_text(html, text_buffer_view(&row.words.verb), 30);
            text_buffer_append_text(html, "</span></td><td>");
            html_inert(html, text_buffer_view(&row.why));
            text_buffer_append_text(html, "<br><span class=\"mono soft\">");
            html_text(html, text_buffer_view(&row.words.target), HTML_COLUMNS_MOST);
            text_buffer_append_text(html, "</span></td></tr>\n");
        }
        rest.bytes += line.length + 1;
        rest.length -= line.length + 1;
    }
    text_buffer_append_text(html, "</tbody></table>\n");
    section_end(html);
}
