#include "cli/log/file_history.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/base/cleanup.h"

struct file_event {
    uint64_t mono_ns;
    uint64_t seq;
    uint64_t count;
    uint64_t bytes_written;
    enum file_effect effect;
    bool is_close;
    char *path;
    char *path2; /* NULL: there is none */
};

static char *copy_of(const struct record_bytes *bytes)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    record_bytes_append(&text, bytes);
    return text_buffer_take(&text);
}

int file_history_add(struct file_history *history, const struct audit_record *record,
                     enum file_effect effect, bool is_close)
{
    bool two = record_bytes_present(&record->call.path2);
    struct file_event *event;

    if (history->event_count == history->event_capacity) {
        size_t capacity = history->event_capacity == 0 ? 256 : history->event_capacity * 2;
        struct file_event *events = reallocarray(history->events, capacity, sizeof(*events));

        if (events == NULL) {
            return -ENOMEM;
        }
        history->events = events;
        history->event_capacity = capacity;
    }
    event = &history->events[history->event_count++];
    *event = (struct file_event){
        .mono_ns = record->mono_ns,
        .seq = record->seq,
        .count = record->count,
        .bytes_written = record->call.bytes_out,
        .effect = effect,
        .is_close = is_close,
        .path = copy_of(&record->call.path),
        .path2 = two ? copy_of(&record->call.path2) : NULL,
    };
    return event->path == NULL || (two && event->path2 == NULL) ? -ENOMEM : 0;
}

/* ---- one effect after the other ---------------------------------------------------------------
 */

static struct tally_row *row_for(struct file_history *history, const char *path, uint64_t seq)
{
    struct tally_row *row = tally_at(&history->files, str_view_from(path));

    if (row != NULL) {
        row->first_seq = row->first_seq == UINT64_MAX ? seq : row->first_seq;
        row->last_seq = seq;
    }
    return row;
}

static void see(struct tally_row *row, bool was_there, bool is_gone)
{
    if (row->numbers[FILE_IS_KNOWN] == 0) {
        row->numbers[FILE_IS_KNOWN] = 1;
        row->numbers[FILE_WAS_THERE] = was_there;
    }
    row->numbers[FILE_IS_GONE] = is_gone;
}

/* What the run did below a directory goes with it when it is renamed. */
static int move_below(struct file_history *history, const struct file_event *event)
{
    size_t length = strlen(event->path);
    size_t count = history->files.count;

    for (size_t i = 0; i < count; i++) {
        struct tally_row *old = history->files.rows[i];
        AUTO(text_buffer_clear) struct text_buffer path = {0};
        struct tally_row *moved;

        if (old->numbers[FILE_IS_GONE] != 0 || old->key.length <= length ||
            old->key.bytes[length] != '/' ||
            !str_view_starts_with(old->key, (struct str_view){event->path, length})) {
            continue;
        }
        text_buffer_append_text(&path, event->path2);
        text_buffer_append(&path,
                           (struct str_view){old->key.bytes + length, old->key.length - length});
        moved = row_for(history, text_buffer_text(&path), event->seq);
        if (text_buffer_error(&path) < 0 || moved == NULL) {
            return -ENOMEM;
        }
        moved->numbers[EFFECT_RENAMED_HERE]++;
        see(moved, false, false);
        old->numbers[EFFECT_RENAMED_AWAY]++;
        see(old, true, true);
    }
    return 0;
}

static int apply_rename(struct file_history *history, const struct file_event *event)
{
    struct tally_row *from;
    struct tally_row *to;

    if (move_below(history, event) < 0) {
        return -ENOMEM;
    }
    from = row_for(history, event->path, event->seq);
    to = row_for(history, event->path2, event->seq);
    if (from == NULL || to == NULL) {
        return -ENOMEM;
    }
    from->numbers[EFFECT_RENAMED_AWAY] += event->count;
    see(from, true, true);
    to->numbers[EFFECT_RENAMED_HERE] += event->count;
    see(to, false, false);
    return 0;
}

static int apply(struct file_history *history, const struct file_event *event)
{
    struct tally_row *row;

    if (event->effect == EFFECT_RENAMED_AWAY && event->path2 != NULL) {
        return apply_rename(history, event);
    }
    /* A link's effect is its new name. */
    row =
        row_for(history,
                event->effect == EFFECT_LINKED && event->path2 != NULL ? event->path2 : event->path,
                event->seq);
    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[event->effect] += event->count;
    row->numbers[EFFECT_BYTES_WRITTEN] += event->bytes_written;
    if (!event->is_close) {
        bool appears = event->effect == EFFECT_CREATED ||
                       (event->effect == EFFECT_LINKED && event->path2 != NULL);

        see(row, !appears, event->effect == EFFECT_DELETED);
    } else if (row->numbers[FILE_IS_KNOWN] == 0) {
        row->numbers[FILE_WAS_THERE] = 1;
    }
    return 0;
}

static int event_compare(const void *a, const void *b)
{
    const struct file_event *left = a;
    const struct file_event *right = b;

    if (left->mono_ns != right->mono_ns) {
        return left->mono_ns < right->mono_ns ? -1 : 1;
    }
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

int file_history_settle(struct file_history *history)
{
    int error = 0;

    if (history->event_count > 0) {
        qsort(history->events, history->event_count, sizeof(*history->events), event_compare);
    }
    for (size_t i = 0; i < history->event_count && error == 0; i++) {
        error = apply(history, &history->events[i]);
    }
    tally_sort_keys(&history->files);
    return error;
}

void file_history_clear(struct file_history *history)
{
    for (size_t i = 0; i < history->event_count; i++) {
        free(history->events[i].path);
        free(history->events[i].path2);
    }
    free(history->events);
    tally_clear(&history->files);
    *history = (struct file_history){0};
}

/* ---- in words
 * ------------------------------------------------------------------------------------- */

enum file_fate file_fate_of(const struct tally_row *file)
{
    bool was_there = file->numbers[FILE_WAS_THERE] != 0;

    if (file->numbers[FILE_IS_GONE] != 0) {
        return was_there ? FATE_DELETED : FATE_TEMPORARY;
    }
    return was_there ? FATE_CHANGED : FATE_CREATED;
}

const char *file_fate_word(enum file_fate fate)
{
    static const char *const words[FATE_COUNT] = {
        [FATE_CHANGED] = "changed",
        [FATE_CREATED] = "new",
        [FATE_DELETED] = "gone",
        [FATE_TEMPORARY] = "temporary",
    };

    return words[fate];
}

void file_history_fates(const struct file_history *history, uint64_t ret_counts[static FATE_COUNT])
{
    memset(ret_counts, 0, FATE_COUNT * sizeof(*ret_counts));
    for (size_t i = 0; i < history->files.count; i++) {
        ret_counts[file_fate_of(history->files.rows[i])]++;
    }
}

void append_effects(struct text_buffer *text, const struct tally_row *file)
{
    static const char *const words[] = {
        [EFFECT_CREATED] = "created",
        [EFFECT_MODIFIED] = "modified",
        [EFFECT_DELETED] = "deleted",
        [EFFECT_RENAMED_AWAY] = "renamed away",
        [EFFECT_RENAMED_HERE] = "renamed to this",
        [EFFECT_LINKED] = "linked",
        [EFFECT_METADATA] = "metadata changed",
    };
    bool first = true;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (file->numbers[i] > 0) {
            text_buffer_printf(text, "%s%s", first ? "" : ", ", words[i]);
            first = false;
        }
    }
}
