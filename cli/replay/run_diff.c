#include "cli/replay/run_diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/log/event_words.h"
#include "cli/log/log_view.h"
#include "cli/log/tally.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

/* Numbers of a row: how often the request was decided so, for each run. */
enum {
    FIRST_ALLOWED = 0,
    FIRST_LOGGED,
    FIRST_BLOCKED,
    SECOND_ALLOWED,
    SECOND_LOGGED,
    SECOND_BLOCKED
};

static int add_run(struct tally *requests, const char *audit, const char *run, unsigned int base,
                   struct failure *reterr)
{
    AUTO(log_view_close) struct log_view view = {0};
    AUTO(event_words_clear) struct event_words words = {0};
    AUTO(text_buffer_clear) struct text_buffer key = {0};
    struct audit_record record;
    int got = log_view_open(&view, audit, run, reterr);

    if (got == 0) {
        got = log_view_rewind(&view, reterr);
    }
    while (got == 0 && (got = log_view_next(&view, &record, reterr)) > 0) {
        struct tally_row *row;

        got = 0;
        if ((record.kind != AUDIT_KIND_DECISION && record.kind != AUDIT_KIND_REPEAT) ||
            !record.policy.has_decision) {
            continue;
        }
        event_words_set(&words, &record);
        text_buffer_reset(&key);
        text_buffer_append(&key, text_buffer_view(&words.verb));
        text_buffer_append_char(&key, '\0');
        text_buffer_append(&key, text_buffer_view(&words.target));
        text_buffer_append_char(&key, '\0');
        text_buffer_append(&key, text_buffer_view(&words.target2));
        row = tally_at(requests, text_buffer_view(&key));
        if (text_buffer_error(&key) < 0 || row == NULL) {
            return failure_set(reterr, -ENOMEM, "cannot compare: no memory");
        }
        row->numbers[base + (record.policy.decision == AUDIT_DECISION_BLOCKED  ? 2
                             : record.policy.decision == AUDIT_DECISION_LOGGED ? 1
                                                                               : 0)] +=
            record.count;
    }
    return got;
}

static const char *decision_of(const uint64_t numbers[3])
{
    return numbers[2] > 0   ? numbers[0] + numbers[1] > 0 ? "now allowed, now blocked" : "blocked"
           : numbers[1] > 0 ? "logged"
           : numbers[0] > 0 ? "allowed"
                            : "";
}

static void append_request(struct text_buffer *text, struct str_view key)
{
    for (int i = 0; i < 3; i++) {
        const char *nul = memchr(key.bytes, '\0', key.length);
        size_t length = nul == NULL ? key.length : (size_t)(nul - key.bytes);

        if (length > 0) {
            text_buffer_append_text(text, i == 2 ? " → " : i == 1 ? " " : "  ");
            inert_text_append(text, (struct str_view){key.bytes, length}, INERT_TERMINAL);
        }
        key.bytes += length + (nul != NULL);
        key.length -= length + (nul != NULL);
    }
}

/* Rows that are only in one, or decided otherwise. Returns how many. */
static size_t append_kind(const struct paint_box *box, struct text_buffer *text,
                          const struct tally *requests, int kind)
{
    static const char *const titles[] = {"only in the first run\n", "only in the second run\n",
                                         "decided otherwise\n"};
    size_t count = 0;

    for (size_t i = 0; i < requests->count; i++) {
        const struct tally_row *row = requests->rows[i];
        const char *first = decision_of(row->numbers);
        const char *second = decision_of(row->numbers + 3);
        int this_kind = second[0] == '\0'            ? 0
                        : first[0] == '\0'           ? 1
                        : strcmp(first, second) != 0 ? 2
                                                     : 3;

        if (this_kind != kind) {
            continue;
        }
        if (count++ == 0) {
            paint_word(box, text, PAINT_BOLD, titles[kind], 0);
        }
        append_request(text, row->key);
        text_buffer_printf(text, "  %s%s%s\n", first, kind == 2 ? ", then " : "", second);
    }
    return count;
}

int run_diff(const struct paint_box *box, const char *audit, const char *first, const char *second,
             bool json, struct failure *reterr)
{
    AUTO(tally_clear) struct tally requests = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    size_t counts[3];
    int error = add_run(&requests, audit, first, FIRST_ALLOWED, reterr);

    if (error == 0) {
        error = add_run(&requests, audit, second, SECOND_ALLOWED, reterr);
    }
    if (error < 0) {
        return error;
    }
    tally_sort_keys(&requests);
    for (int kind = 0; kind < 3; kind++) {
        counts[kind] = append_kind(box, &text, &requests, kind);
    }
    if (json) {
        printf("{\"only_first\":%zu,\"only_second\":%zu,\"decided_otherwise\":%zu,\"same\":%zu}\n",
               counts[0], counts[1], counts[2], requests.count - counts[0] - counts[1] - counts[2]);
    } else {
        text_buffer_printf(&text, "%zu kinds of requests in both, decided alike\n",
                           requests.count - counts[0] - counts[1] - counts[2]);
        fwrite(text_buffer_text(&text), 1, text.length, stdout);
    }
    return counts[0] + counts[1] + counts[2] > 0;
}
