#include "cli/show/effects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/log/event_words.h"
#include "cli/log/ledger.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

static int read_ledger(struct log_view *view, struct ledger *ledger, struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        if (ledger_add(ledger, &record) < 0) {
            return failure_set(reterr, -ENOMEM, "cannot show the run: no memory");
        }
        got = 0;
    }
    if (got == 0 && ledger_settle(ledger) < 0) {
        return failure_set(reterr, -ENOMEM, "cannot show the run: no memory");
    }
    return got;
}

static void append_key(struct text_buffer *text, const struct tally_row *row)
{
    text_buffer_append_text(text, "  ");
    inert_text_append(text, row->key, INERT_TERMINAL);
}

static void append_text_form(const struct paint_box *box, struct text_buffer *text,
                             const struct ledger *ledger)
{
    paint_word(box, text, PAINT_BOLD, "files\n", 0);
    for (size_t i = 0; i < ledger->history.files.count; i++) {
        append_key(text, ledger->history.files.rows[i]);
        text_buffer_printf(text,
                           "  %s: ", file_fate_word(file_fate_of(ledger->history.files.rows[i])));
        append_effects(text, ledger->history.files.rows[i]);
        if (ledger->history.files.rows[i]->numbers[EFFECT_BYTES_WRITTEN] > 0) {
            text_buffer_append_text(text, ", ");
            append_size(text, ledger->history.files.rows[i]->numbers[EFFECT_BYTES_WRITTEN]);
        }
        text_buffer_append_char(text, '\n');
    }
    paint_word(box, text, PAINT_BOLD, "hosts\n", 0);
    for (size_t i = 0; i < ledger->hosts.count; i++) {
        const uint64_t *numbers = ledger->hosts.rows[i]->numbers;

        append_key(text, ledger->hosts.rows[i]);
        text_buffer_printf(text, "  %" PRIu64 " connections, ", numbers[HOST_FLOWS]);
        append_size(text, numbers[HOST_BYTES_IN]);
        text_buffer_append_text(text, " in, ");
        append_size(text, numbers[HOST_BYTES_OUT]);
        text_buffer_append_text(text, " out\n");
    }
    paint_word(box, text, PAINT_BOLD, "programs\n", 0);
    for (size_t i = 0; i < ledger->programs.count; i++) {
        append_key(text, ledger->programs.rows[i]);
        text_buffer_printf(text, "  started %" PRIu64 " times\n",
                           ledger->programs.rows[i]->numbers[0]);
    }
    if (ledger->pending > 0) {
        text_buffer_printf(text, "%" PRIu64 " allowed changes have no result in the log\n",
                           ledger->pending);
    }
}

/* Names that are not UTF-8 have U+FFFD here; the records have all their bytes. */
static void append_rows(struct text_buffer *text, const char *name, const struct tally *tally,
                        const char *const *members, size_t member_count, bool fates)
{
    text_buffer_printf(text, "\"%s\":[", name);
    for (size_t i = 0; i < tally->count; i++) {
        text_buffer_append_text(text, i > 0 ? ",{\"name\":" : "{\"name\":");
        text_buffer_append_json_string(text, tally->rows[i]->key);
        if (fates) {
            text_buffer_printf(text, ",\"fate\":\"%s\"",
                               file_fate_word(file_fate_of(tally->rows[i])));
        }
        for (size_t j = 0; j < member_count; j++) {
            text_buffer_printf(text, ",\"%s\":%" PRIu64, members[j], tally->rows[i]->numbers[j]);
        }
        text_buffer_append_char(text, '}');
    }
    text_buffer_append_char(text, ']');
}

static void append_json_form(struct text_buffer *text, const struct ledger *ledger)
{
    static const char *const files[] = {"created",      "modified", "deleted",  "renamed_away",
                                        "renamed_here", "linked",   "metadata", "bytes_written"};
    static const char *const hosts[] = {"flows", "bytes_in", "bytes_out"};
    static const char *const programs[] = {"started"};

    text_buffer_append_char(text, '{');
    append_rows(text, "files", &ledger->history.files, files, EFFECT_COUNT, true);
    text_buffer_append_char(text, ',');
    append_rows(text, "hosts", &ledger->hosts, hosts, HOST_COUNT, false);
    text_buffer_append_char(text, ',');
    append_rows(text, "programs", &ledger->programs, programs, 1, false);
    text_buffer_printf(
        text,
        ",\"created\":%" PRIu64 ",\"modified\":%" PRIu64 ",\"deleted\":%" PRIu64
        ",\"renamed\":%" PRIu64 ",\"bytes_written\":%" PRIu64 ",\"bytes_in\":%" PRIu64
        ",\"bytes_out\":%" PRIu64 ",\"started\":%" PRIu64 ",\"pending\":%" PRIu64 "}",
        ledger->created, ledger->modified, ledger->deleted, ledger->renamed, ledger->bytes_written,
        ledger->bytes_in, ledger->bytes_out, ledger->started, ledger->pending);
}

int effects_print(const struct paint_box *box, struct log_view *view, bool json,
                  struct failure *reterr)
{
    AUTO(ledger_clear) struct ledger ledger = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error = read_ledger(view, &ledger, reterr);

    if (error < 0) {
        return error;
    }
    if (json) {
        AUTO(text_buffer_clear) struct text_buffer object = {0};

        append_json_form(&object, &ledger);
        inert_text_append(&text, text_buffer_view(&object), INERT_JSON);
        text_buffer_append_char(&text, '\n');
    } else {
        append_text_form(box, &text, &ledger);
    }
    fwrite(text_buffer_text(&text), 1, text.length, stdout);
    return 0;
}
