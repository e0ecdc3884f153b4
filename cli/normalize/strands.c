#include "cli/normalize/strands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/normalize/plain_row.h"
#include "shared/base/cleanup.h"

static bool make_room(struct strands *strands)
{
    size_t capacity = strands->capacity == 0 ? 256 : strands->capacity * 2;
    struct strand_row *rows;

    if (strands->count < strands->capacity) {
        return true;
    }
    rows = reallocarray(strands->rows, capacity, sizeof(*rows));
    if (rows == NULL) {
        return false;
    }
    strands->rows = rows;
    strands->capacity = capacity;
    return true;
}

static bool place_of(struct tally *places, const char *key, uint64_t *ret_place)
{
    struct tally_row *row = tally_at(places, str_view_from(key));

    if (row == NULL) {
        return false;
    }
    if (row->numbers[0] == 0) {
        row->numbers[0] = places->count;
    }
    *ret_place = row->numbers[0] - 1;
    return true;
}

/* A number is used again after a process; with the time of its start it is one process. What has no
 * process is one thread for each source. */
static bool set_places(struct strands *strands, const struct audit_record *record,
                       struct strand_row *row)
{
    const struct record_actor *actor = &record->actor;
    char process[64];
    char thread[96];

    if (record->has_actor) {
        snprintf(process, sizeof(process), "%" PRIu64 " %" PRIu64, actor->pid, actor->start);
        snprintf(thread, sizeof(thread), "%s %" PRIu64, process, actor->tid);
    } else {
        snprintf(process, sizeof(process), "%s", audit_source_word(record->source));
        snprintf(thread, sizeof(thread), "%s", process);
    }
    return place_of(&strands->processes, process, &row->process) &&
           place_of(&strands->threads, thread, &row->thread);
}

static struct strand_text keep(struct strands *strands, struct str_view text)
{
    struct strand_text kept = {.start = strands->text.length, .length = text.length};

    text_buffer_append(&strands->text, text);
    return kept;
}

/* The launcher records the exec of a run's command, which another process does: no thread is named
 * then. */
static bool begins_program(const struct audit_record *record)
{
    return record->source == AUDIT_SOURCE_EXEC && record->kind == AUDIT_KIND_DECISION &&
           record->status == AUDIT_STATUS_ALLOWED && record->actor.tid != 0;
}

int strands_add(struct strands *strands, const struct audit_record *record,
                const struct outcomes *outcomes)
{
    struct strand_row *row;

    if (!plain_row_is_wanted(record)) {
        return 0;
    }
    if (!make_room(strands)) {
        return -ENOMEM;
    }
    row = &strands->rows[strands->count];
    *row = (struct strand_row){
        .mono_ns = record->mono_ns, .seq = record->seq, .is_folded = plain_row_is_folded(record)};
    if (!set_places(strands, record, row)) {
        return -ENOMEM;
    }
    row->program = keep(strands, record->actor.exe.escaped);
    if (begins_program(record)) {
        row->exec = keep(strands, record->call.path.text.escaped);
    }
    row->row.start = strands->text.length;
    plain_row_append(&strands->text, record, outcomes);
    row->row.length = strands->text.length - row->row.start;
    strands->count++;
    return text_buffer_error(&strands->text);
}

static int compare_times(const struct strand_row *left, const struct strand_row *right)
{
    if (left->mono_ns != right->mono_ns) {
        return left->mono_ns < right->mono_ns ? -1 : 1;
    }
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

static int compare_by_process(const void *a, const void *b)
{
    const struct strand_row *left = a;
    const struct strand_row *right = b;

    return left->process != right->process ? (left->process < right->process ? -1 : 1)
                                           : compare_times(left, right);
}

static int compare_by_thread(const void *a, const void *b)
{
    const struct strand_row *left = a;
    const struct strand_row *right = b;

    return left->thread != right->thread ? (left->thread < right->thread ? -1 : 1)
                                         : compare_times(left, right);
}

/*
 * A record's program may be up to a tenth of a second old (actor_cache.h): the one before an exec.
 * The exec has a record of its own, so what a process does behind it is the new program's.
 */
static void set_programs(struct strands *strands)
{
    const struct strand_row *begun = NULL;

    qsort(strands->rows, strands->count, sizeof(*strands->rows), compare_by_process);
    for (size_t i = 0; i < strands->count; i++) {
        struct strand_row *row = &strands->rows[i];

        if (begun != NULL && begun->process == row->process) {
            row->program = begun->exec;
        }
        if (row->exec.length > 0) {
            begun = row;
        }
    }
}

static struct str_view text_of(const struct strands *strands, struct strand_text text)
{
    return (struct str_view){text_buffer_text(&strands->text) + text.start, text.length};
}

/* The rows from `at` on that are of one thread, as text; those that fold, once. */
static size_t append_thread(const struct strands *strands, size_t at, struct text_buffer *text)
{
    AUTO(tally_clear) struct tally seen = {0};
    uint64_t thread = strands->rows[at].thread;
    unsigned int step = 1;

    for (; at < strands->count && strands->rows[at].thread == thread; at++) {
        const struct strand_row *row = &strands->rows[at];

        if (row->is_folded) {
            struct tally_row *before = tally_at(&seen, text_of(strands, row->row));

            if (before == NULL) {
                text->error = -ENOMEM;
                return strands->count;
            }
            if (before->numbers[0]++ > 0) {
                continue;
            }
        }
        text_buffer_printf(text, "{\"step\":%u,\"program\":\"", step++);
        text_buffer_append(text, text_of(strands, row->program));
        text_buffer_append_text(text, "\",");
        text_buffer_append(text, text_of(strands, row->row));
        text_buffer_append_text(text, "}\n");
    }
    return at;
}

/* Each thread's text is a key, and its number how many threads did just that. */
int strands_append(struct strands *strands, struct text_buffer *text)
{
    AUTO(tally_clear) struct tally texts = {0};
    AUTO(text_buffer_clear) struct text_buffer one = {0};
    size_t at = 0;

    if (strands->count == 0) {
        return 0;
    }
    set_programs(strands);
    qsort(strands->rows, strands->count, sizeof(*strands->rows), compare_by_thread);
    while (at < strands->count) {
        struct tally_row *row;

        text_buffer_reset(&one);
        at = append_thread(strands, at, &one);
        row = text_buffer_error(&one) < 0 ? NULL : tally_at(&texts, text_buffer_view(&one));
        if (row == NULL) {
            return -ENOMEM;
        }
        row->numbers[0]++;
    }
    tally_sort_keys(&texts);
    for (size_t i = 0; i < texts.count; i++) {
        for (uint64_t times = 0; times < texts.rows[i]->numbers[0]; times++) {
            text_buffer_append(text, texts.rows[i]->key);
        }
    }
    return text_buffer_error(text);
}

void strands_clear(struct strands *strands)
{
    tally_clear(&strands->processes);
    tally_clear(&strands->threads);
    text_buffer_clear(&strands->text);
    free(strands->rows);
    *strands = (struct strands){0};
}
