#include "cli/report/html.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

void html_text(struct text_buffer *html, struct str_view value, size_t columns)
{
    inert_text_append_cut(html, value, columns, INERT_HTML);
}

void html_inert(struct text_buffer *html, struct str_view value)
{
    for (size_t i = 0; i < value.length; i++) {
        switch (value.bytes[i]) {
        case '&':
            text_buffer_append_text(html, "&amp;");
            break;
        case '<':
            text_buffer_append_text(html, "&lt;");
            break;
        case '>':
            text_buffer_append_text(html, "&gt;");
            break;
        case '"':
            text_buffer_append_text(html, "&quot;");
            break;
        case '\'':
            text_buffer_append_text(html, "&#39;");
            break;
        default:
            text_buffer_append_char(html, value.bytes[i]);
            break;
        }
    }
}

void html_json_text(struct text_buffer *html, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    json_text_append(&decoded, value);
    html_text(html, text_buffer_view(&decoded), HTML_COLUMNS_MOST);
}

void html_number(struct text_buffer *html, uint64_t number)
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);

    for (size_t i = 0; i < length; i++) {
        text_buffer_append_text(html, i > 0 && (length - i) % 3 == 0 ? "," : "");
        text_buffer_append_char(html, digits[i]);
    }
}

void html_number_cell(struct text_buffer *html, const char *name, uint64_t number)
{
    text_buffer_printf(html, "<td class=\"number\" data-name=\"%s\">", name);
    html_number(html, number);
    text_buffer_append_text(html, "</td>");
}

void html_time(struct text_buffer *html, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm when = {0};
    char words[48];

    gmtime_r(&seconds, &when);
    strftime(words, sizeof(words), "%Y-%m-%d %H:%M:%S UTC", &when);
    text_buffer_append_text(html, words);
}
