#include "cli/replay/differences.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"

#define ROWS_SHOWN 200

static const char *const change_titles[CHANGE_COUNT] = {
    [CHANGE_DENIED] = "newly denied",
    [CHANGE_ALLOWED] = "newly allowed",
    [CHANGE_LOGGED] = "newly logged",
};

static enum change change_of(enum audit_decision decision)
{
    return decision == AUDIT_DECISION_BLOCKED  ? CHANGE_DENIED
           : decision == AUDIT_DECISION_LOGGED ? CHANGE_LOGGED
                                               : CHANGE_ALLOWED;
}

int differences_add(struct differences *differences, const struct audit_record *record,
                    const struct decided_again *again, struct str_view rule_now)
{
    AUTO(text_buffer_clear) struct text_buffer key = {0};
    enum change change = change_of(again->decision);
    struct tally_row *row;

    differences->records++;
    if (again->by == DECIDED_BY_BOUNDARY) {
        differences->carried += record->count;
        return 0;
    }
    if (again->decision == record->policy.decision) {
        differences->unchanged += record->count;
        return 0;
    }
    event_words_set(&differences->words, record);
    text_buffer_append(&key, text_buffer_view(&differences->words.verb));
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, text_buffer_view(&differences->words.target));
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, text_buffer_view(&differences->words.target2));
    text_buffer_append_char(&key, '\0');
    json_text_append(&key, record->policy.rule);
    text_buffer_append_char(&key, '\0');
    text_buffer_append(&key, rule_now);
    row = tally_at(&differences->rows[change], text_buffer_view(&key));
    if (text_buffer_error(&key) < 0 || row == NULL) {
        return -ENOMEM;
    }
    row->numbers[0] += record->count;
    row->first_seq = row->first_seq == UINT64_MAX ? record->seq : row->first_seq;
    differences->changed[change] += record->count;
    return 0;
}

uint64_t differences_count(const struct differences *differences)
{
    uint64_t count = 0;

    for (int change = 0; change < CHANGE_COUNT; change++) {
        count += differences->changed[change];
    }
    return count;
}

/* The part of a key before its next NUL. */
static struct str_view next_part(struct str_view *rest)
{
    const char *nul = memchr(rest->bytes, '\0', rest->length);
    size_t length = nul == NULL ? rest->length : (size_t)(nul - rest->bytes);
    struct str_view part = {rest->bytes, length};

    rest->bytes += length + (nul != NULL);
    rest->length -= length + (nul != NULL);
    return part;
}

static void append_inert(struct text_buffer *text, struct str_view value)
{
    inert_text_append(text, value, INERT_TERMINAL);
}

static void append_row(struct text_buffer *text, const struct tally_row *row)
{
    struct str_view rest = row->key;
    struct str_view target2;

    text_buffer_append_text(text, "  ");
    append_inert(text, next_part(&rest));
    text_buffer_append_char(text, ' ');
    append_inert(text, next_part(&rest));
    target2 = next_part(&rest);
    if (target2.length > 0) {
        text_buffer_append_text(text, " → ");
        append_inert(text, target2);
    }
    if (row->numbers[0] > 1) {
        text_buffer_printf(text, "  ×%" PRIu64, row->numbers[0]);
    }
    text_buffer_append_text(text, "  rule ");
    append_inert(text, next_part(&rest));
    text_buffer_append_text(text, " → ");
    append_inert(text, next_part(&rest));
    text_buffer_printf(text, "  (record %" PRIu64 ")\n", row->first_seq);
}

void differences_print(const struct paint_box *box, struct differences *differences)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    for (int change = 0; change < CHANGE_COUNT; change++) {
        struct tally *rows = &differences->rows[change];

        if (rows->count == 0) {
            continue;
        }
        tally_sort(rows, 0);
        paint_word(box, &text, change == CHANGE_DENIED ? PAINT_REFUSED : PAINT_BOLD,
                   change_titles[change], 0);
        text_buffer_printf(&text, ": %" PRIu64 " requests\n", differences->changed[change]);
        for (size_t i = 0; i < rows->count && i < ROWS_SHOWN; i++) {
            append_row(&text, rows->rows[i]);
        }
        if (rows->count > ROWS_SHOWN) {
            text_buffer_printf(&text, "  and %zu more kinds; --json has all\n",
                               rows->count - ROWS_SHOWN);
        }
    }
    text_buffer_printf(&text, "%" PRIu64 " unchanged, %" PRIu64 " decided by the boundary itself, ",
                       differences->unchanged, differences->carried);
    paint_begin(box, &text, PAINT_BOLD);
    text_buffer_printf(&text, "%" PRIu64 " differences", differences_count(differences));
    paint_end(box, &text, PAINT_BOLD);
    text_buffer_append_char(&text, '\n');
    fwrite(text_buffer_text(&text), 1, text.length, stdout);
}

static void append_part(struct text_buffer *text, const char *name, struct str_view value)
{
    text_buffer_printf(text, "\"%s\":", name);
    text_buffer_append_json_string(text, value);
    text_buffer_append_char(text, ',');
}

static void append_json_row(struct text_buffer *text, const struct tally_row *row)
{
    struct str_view rest = row->key;

    text_buffer_append_char(text, '{');
    append_part(text, "operation", next_part(&rest));
    append_part(text, "target", next_part(&rest));
    append_part(text, "target2", next_part(&rest));
    append_part(text, "rule_before", next_part(&rest));
    append_part(text, "rule_now", next_part(&rest));
    text_buffer_printf(text, "\"requests\":%" PRIu64 ",\"first_seq\":%" PRIu64 "}", row->numbers[0],
                       row->first_seq);
}

void differences_append_json(struct text_buffer *text, struct differences *differences)
{
    static const char *const names[CHANGE_COUNT] = {
        [CHANGE_DENIED] = "newly_denied",
        [CHANGE_ALLOWED] = "newly_allowed",
        [CHANGE_LOGGED] = "newly_logged",
    };

    text_buffer_printf(text,
                       "{\"differences\":%" PRIu64 ",\"unchanged\":%" PRIu64
                       ",\"boundary\":%" PRIu64 ",\"records\":%" PRIu64,
                       differences_count(differences), differences->unchanged, differences->carried,
                       differences->records);
    for (int change = 0; change < CHANGE_COUNT; change++) {
        struct tally *rows = &differences->rows[change];

        tally_sort(rows, 0);
        text_buffer_printf(text, ",\"%s\":[", names[change]);
        for (size_t i = 0; i < rows->count; i++) {
            text_buffer_append_text(text, i > 0 ? "," : "");
            append_json_row(text, rows->rows[i]);
        }
        text_buffer_append_char(text, ']');
    }
    text_buffer_append_text(text, "}\n");
}

void differences_clear(struct differences *differences)
{
    for (int change = 0; change < CHANGE_COUNT; change++) {
        tally_clear(&differences->rows[change]);
    }
    event_words_clear(&differences->words);
}
