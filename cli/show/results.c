#include "cli/show/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/log/event_words.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

static void append_result(const struct paint_box *box, struct text_buffer *text,
                          const struct audit_record *record)
{
    text_buffer_printf(text, "came of it  record %" PRIu64 ", ", record->seq);
    if (record->kind == AUDIT_KIND_REPEAT) {
        text_buffer_printf(text, "%" PRIu64 " more like it\n", record->count);
        return;
    }
    inert_text_append(text, record->call.op.escaped, INERT_TERMINAL);
    text_buffer_append_char(text, ' ');
    paint_word(box, text, record->status == AUDIT_STATUS_OK ? PAINT_GOOD : PAINT_FAILED,
               record->has_status ? audit_status_word(record->status) : "", 0);
    if (record->error.length > 0) {
        text_buffer_append_char(text, ' ');
        inert_text_append(text, record->error, INERT_TERMINAL);
    }
    text_buffer_append_text(text, " after ");
    append_duration(text, record->duration_ns);
    if (record->has_status) {
        text_buffer_printf(text, " of %s", audit_phase_word(record->phase));
    }
    if (record->call.bytes_in + record->call.bytes_out > 0) {
        text_buffer_append_text(text, ", ");
        append_size(text, record->call.bytes_in);
        text_buffer_append_text(text, " in, ");
        append_size(text, record->call.bytes_out);
        text_buffer_append_text(text, " out");
    }
    text_buffer_append_char(text, '\n');
}

int results_print(const struct paint_box *box, struct log_view *view, const char *run, uint64_t seq,
                  struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    const struct run_entry *entry = run_index_find(&view->index, run);
    struct str_view line;
    char of[32];
    uint64_t at = seq;
    int got = 0;

    /* No text of a record holds these bytes: there a quote is escaped. */
    snprintf(of, sizeof(of), ",\"of\":%" PRIu64 ",", seq);
    while (entry != NULL && at < entry->last_seq &&
           (got = log_lines_next(view->lines, &line, reterr)) > 0) {
        struct audit_record record;

        (void)log_line_seq(line, &at);
        if (memmem(line.bytes, line.length, of, strlen(of)) != NULL &&
            audit_record_read(line, &record, NULL) == 0 && record.has_of && record.of == seq) {
            append_result(box, &text, &record);
        }
    }
    fwrite(text_buffer_text(&text), 1, text.length, stdout);
    return got < 0 ? got : 0;
}
