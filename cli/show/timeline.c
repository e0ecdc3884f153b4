#include "cli/show/timeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "shared/base/inert_text.h"

#define OUTCOME_COLUMNS 9U
#define PROCESS_COLUMNS 18U
#define VERB_COLUMNS    9U
#define TARGET_LEAST    16U
#define NARROW          96U /* terminals below go without the process */

static enum paint paint_of(enum event_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_BLOCKED:
        return PAINT_REFUSED;
    case OUTCOME_FAILED:
    case OUTCOME_TIMEOUT:
    case OUTCOME_LIMIT:
        return PAINT_FAILED;
    case OUTCOME_OK:
        return PAINT_GOOD;
    case OUTCOME_LOGGED:
    case OUTCOME_REDACTED:
        return PAINT_BOLD;
    case OUTCOME_ALLOWED:
    case OUTCOME_NOTE:
    case OUTCOME_COUNT:
        break;
    }
    return PAINT_DIM;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void append_day(struct timeline *timeline, const struct tm *when)
{
    char day[64];

    if (when->tm_yday == timeline->last_day) {
        return;
    }
    timeline->last_day = when->tm_yday;
    strftime(day, sizeof(day), "%A %e %B %Y, %Z", when);
    paint_word(timeline->box, &timeline->out, PAINT_DIM, day, 0);
    text_buffer_append_char(&timeline->out, '\n');
}

static void pad(struct text_buffer *text, size_t used, size_t columns)
{
    for (size_t i = used; i < columns; i++) {
        text_buffer_append_char(text, ' ');
    }
}

static void append_cell(struct timeline *timeline, const struct text_buffer *value, size_t columns,
                        enum paint paint)
{
    size_t used;

    paint_begin(timeline->box, &timeline->out, paint);
    used =
        inert_text_append_cut(&timeline->out, text_buffer_view(value), columns - 1, INERT_TERMINAL);
    paint_end(timeline->box, &timeline->out, paint);
    pad(&timeline->out, used, columns);
}

/* Targets get the columns that are left; two of them half each. */
static void append_target(struct timeline *timeline, const struct event_row *row, size_t room)
{
    struct text_buffer *out = &timeline->out;
    enum paint paint = row->outcome == OUTCOME_BLOCKED ? PAINT_BOLD : PAINT_PLAIN;
    struct str_view target = text_buffer_view(&row->words.target);
    struct str_view target2 = text_buffer_view(&row->words.target2);
    size_t used;

    paint_begin(timeline->box, out, paint);
    if (target2.length == 0) {
        inert_text_append_cut(out, target, room, INERT_TERMINAL);
    } else {
        used = inert_text_append_cut(out, target, (room - 3) / 2, INERT_TERMINAL);
        text_buffer_append_text(out, " → ");
        inert_text_append_cut(out, target2, room - 3 - used, INERT_TERMINAL);
    }
    paint_end(timeline->box, out, paint);
}

static void append_tail(struct timeline *timeline, const struct event_row *row)
{
    struct text_buffer *out = &timeline->out;

    if (row->count > 1) {
        text_buffer_printf(out, "  ×%" PRIu64, row->count);
    }
    if (row->notes.length > 0) {
        text_buffer_append_text(out, "  ");
        paint_word(timeline->box, out, PAINT_DIM, text_buffer_text(&row->notes), 0);
    }
}

static size_t tail_columns(const struct event_row *row)
{
    size_t columns = row->notes.length == 0 ? 0 : 2 + row->notes.length;
    char count[24];

    return columns + (row->count > 1
                          ? 2 + (size_t)snprintf(count, sizeof(count), "x%" PRIu64, row->count)
                          : 0);
}

static void write_row(struct timeline *timeline, const struct event_row *row)
{
    struct text_buffer *out = &timeline->out;
    size_t columns = timeline->box->columns;
    bool narrow = columns > 0 && columns < NARROW;
    size_t before = timeline->seq_columns + 2 + 14 + OUTCOME_COLUMNS;
    size_t room;
    time_t seconds = (time_t)(row->time_ns / 1000000000);
    struct tm when = {0};
    char cell[48];

    localtime_r(&seconds, &when);
    append_day(timeline, &when);
    snprintf(cell, sizeof(cell), "%*" PRIu64 "  %02d:%02d:%02d.%03d  ", (int)timeline->seq_columns,
             row->seq, when.tm_hour, when.tm_min, when.tm_sec,
             (int)(row->time_ns / 1000000 % 1000));
    paint_word(timeline->box, out, PAINT_DIM, cell, 0);
    paint_word(timeline->box, out, paint_of(row->outcome), event_outcome_word(row->outcome),
               OUTCOME_COLUMNS);
    if (!narrow) {
        append_cell(timeline, &row->words.process, PROCESS_COLUMNS, PAINT_DIM);
        before += PROCESS_COLUMNS;
    }
    append_cell(timeline, &row->words.verb, VERB_COLUMNS, PAINT_PLAIN);
    room = before + VERB_COLUMNS + tail_columns(row);
    room = columns == 0 ? SIZE_MAX : columns > room + TARGET_LEAST ? columns - room : TARGET_LEAST;
    append_target(timeline, row, room);
    append_tail(timeline, row);
    text_buffer_append_char(out, '\n');
    if (row->why.length > 0) {
        pad(out, 0, before);
        text_buffer_append(out, text_buffer_view(&row->why));
        text_buffer_append_char(out, '\n');
    }
    fwrite(text_buffer_text(out), 1, out->length, stdout);
    text_buffer_reset(out);
}

void timeline_flush(struct timeline *timeline)
{
    struct event_row *row = &timeline->rows[timeline->held];

    if (row->filled) {
        write_row(timeline, row);
        row->filled = false;
    }
}

void timeline_add(struct timeline *timeline, const struct audit_record *record)
{
    struct event_row *held = &timeline->rows[timeline->held];
    struct event_row *next = &timeline->rows[1 - timeline->held];

    event_row_set(next, timeline->outcomes, record);
    if (event_row_folds(held, next)) {
        held->count += next->count;
        next->filled = false;
        return;
    }
    timeline_flush(timeline);
    timeline->held = 1 - timeline->held;
}

void timeline_clear(struct timeline *timeline)
{
    for (size_t i = 0; i < 2; i++) {
        event_row_clear(&timeline->rows[i]);
    }
    text_buffer_clear(&timeline->out);
}
