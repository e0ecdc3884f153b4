#include "cli/report/page.h"

#include <errno.h>

#include "cli/report/html.h"
#include "cli/report/sections.h"
#include "shared/base/cleanup.h"
#include "shared/crypto/sha256.h"

/* report.css and report.js, by way of cmake/embed.cmake. */
extern const char report_style[];
extern const size_t report_style_length;
extern const char report_script[];
extern const size_t report_script_length;

static void append_base64(struct text_buffer *text, const uint8_t bytes[static SHA256_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < SHA256_SIZE; i += 3) {
        size_t left = SHA256_SIZE - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);

        text_buffer_append_char(text, digits[three >> 18]);
        text_buffer_append_char(text, digits[three >> 12 & 63]);
        text_buffer_append_char(text, left > 1 ? digits[three >> 6 & 63] : '=');
        text_buffer_append_char(text, left > 2 ? digits[three & 63] : '=');
    }
}

static int append_source(struct text_buffer *html, const char *bytes, size_t length)
{
    struct sha256 *sha = sha256_new();
    uint8_t digest[SHA256_SIZE];
    int error = sha == NULL ? -ENOMEM : sha256_of(sha, bytes, length, digest);

    sha256_free(sha);
    if (error == 0) {
        text_buffer_append_text(html, "'sha256-");
        append_base64(html, digest);
        text_buffer_append_char(html, '\'');
    }
    return error;
}

static int append_head(struct text_buffer *html, const struct run_entry *run)
{
    text_buffer_append_text(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
    if (append_source(html, report_style, report_style_length) < 0) {
        return -EIO;
    }
    text_buffer_append_text(html, "; script-src ");
    if (append_source(html, report_script, report_script_length) < 0) {
        return -EIO;
    }
    text_buffer_append_text(
        html, "; base-uri 'none'; form-action 'none'\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"referrer\" content=\"no-referrer\">\n<title>failcore report: ");
    html_text(html, str_view_from(run->id), HTML_COLUMNS_MOST);
    text_buffer_append_text(html, "</title>\n<style>");
    text_buffer_append(html, (struct str_view){report_style, report_style_length});
    text_buffer_append_text(html, "</style></head>\n<body>\n");
    return 0;
}

static void append_navigation(struct text_buffer *html, const struct report_model *model)
{
    text_buffer_append_text(
        html, "<nav aria-label=\"Sections\"><ul><li><a href=\"#summary\">Summary</a></li>"
              "<li><a href=\"#blocked\">Blocked</a></li><li><a href=\"#timeline\">Timeline</a></li>"
              "<li><a href=\"#files\">Files</a></li><li><a href=\"#network\">Network</a></li>"
              "<li><a href=\"#programs\">Programs</a></li>");
    text_buffer_append_text(
        html, model->limits.length > 0 ? "<li><a href=\"#limits\">Limits</a></li>" : "");
    text_buffer_append_text(html, "<li><a href=\"#run\">Run</a></li></ul></nav>\n");
}

int report_page(struct log_view *view, struct text_buffer *html, struct failure *reterr)
{
    AUTO(report_model_clear) struct report_model model = {0};
    int error = report_model_make(view, &model, reterr);

    if (error == 0 && append_head(html, view->run) < 0) {
        error = failure_set(reterr, -EIO, "cannot report: no SHA-256");
    }
    if (error < 0) {
        return error;
    }
    section_header(html, &model);
    append_navigation(html, &model);
    text_buffer_append_text(html, "<main>\n");
    section_summary(html, &model);
    section_blocked(html, &model);
    error = section_timeline(html, &model, view, reterr);
    section_effects(html, &model);
    section_network(html, &model);
    section_programs(html, &model);
    section_limits(html, &model);
    section_run(html, &model);
    text_buffer_append_text(html, "</main>\n");
    error = error < 0 ? error : section_footer(html, &model, view, reterr);
    text_buffer_append_text(html, "<script>");
    text_buffer_append(html, (struct str_view){report_script, report_script_length});
    text_buffer_append_text(html, "</script>\n</body></html>\n");
    if (error == 0 && text_buffer_error(html) < 0) {
        error = failure_set(reterr, -ENOMEM, "cannot report: no memory");
    }
    return error;
}
