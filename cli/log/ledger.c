#include "cli/log/ledger.h"

#include <errno.h>
#include <fcntl.h>

#include "shared/base/cleanup.h"

static bool is_op(const struct audit_record *record, const char *word)
{
    return json_text_equals(record->call.op, str_view_from(word));
}

static struct tally_row *row_for(struct tally *tally, const struct record_bytes *bytes,
                                 uint64_t seq)
{
    AUTO(text_buffer_clear) struct text_buffer key = {0};
    struct tally_row *row;

    record_bytes_append(&key, bytes);
    row = text_buffer_error(&key) < 0 ? NULL : tally_at(tally, text_buffer_view(&key));
    if (row != NULL) {
        row->first_seq = row->first_seq == UINT64_MAX ? seq : row->first_seq;
        row->last_seq = seq;
    }
    return row;
}

/* Two further numbers of a file's row: was it there before its first effect, is it gone. */
enum { FILE_WAS_THERE = EFFECT_COUNT, FILE_IS_GONE };

static struct tally_row *file_for(struct ledger *ledger, const struct record_bytes *path,
                                  uint64_t seq, bool appears)
{
    struct tally_row *row = row_for(&ledger->files, path, seq);

    if (row != NULL && row->first_seq == seq && row->numbers[FILE_IS_GONE] == 0) {
        row->numbers[FILE_WAS_THERE] = !appears;
    }
    return row;
}

static int add_file(struct ledger *ledger, const struct audit_record *record,
                    enum ledger_effect effect)
{
    bool appears = effect == EFFECT_CREATED;
    struct tally_row *row = file_for(ledger, &record->call.path, record->seq, appears);

    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[effect] += record->count;
    row->numbers[EFFECT_BYTES_WRITTEN] += record->call.bytes_out;
    row->numbers[FILE_IS_GONE] = effect == EFFECT_DELETED || effect == EFFECT_RENAMED_AWAY;
    ledger->bytes_written += record->call.bytes_out;
    return 0;
}

/* What the run did below a directory goes with it when it is renamed. */
static int move_below(struct ledger *ledger, const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer from = {0};
    AUTO(text_buffer_clear) struct text_buffer to = {0};
    size_t count = ledger->files.count;

    record_bytes_append(&from, &record->call.path);
    record_bytes_append(&to, &record->call.path2);
    text_buffer_append_char(&from, '/');
    for (size_t i = 0; i < count; i++) {
        struct tally_row *old = ledger->files.rows[i];
        AUTO(text_buffer_clear) struct text_buffer path = {0};
        struct tally_row *moved;

        if (old->numbers[FILE_IS_GONE] != 0 ||
            !str_view_starts_with(old->key, text_buffer_view(&from))) {
            continue;
        }
        text_buffer_append(&path, text_buffer_view(&to));
        text_buffer_append(&path, (struct str_view){old->key.bytes + from.length - 1,
                                                    old->key.length - from.length + 1});
        moved = tally_at(&ledger->files, text_buffer_view(&path));
        if (text_buffer_error(&path) < 0 || moved == NULL) {
            return -ENOMEM;
        }
        moved->first_seq = moved->first_seq == UINT64_MAX ? record->seq : moved->first_seq;
        moved->numbers[EFFECT_RENAMED_HERE] += 1;
        moved->numbers[FILE_IS_GONE] = 0;
        old->numbers[EFFECT_RENAMED_AWAY] += 1;
        old->numbers[FILE_IS_GONE] = 1;
    }
    return 0;
}

static int add_rename(struct ledger *ledger, const struct audit_record *record)
{
    struct tally_row *to = file_for(ledger, &record->call.path2, record->seq, true);

    if (to == NULL) {
        return -ENOMEM;
    }
    to->numbers[EFFECT_RENAMED_HERE] += record->count;
    to->numbers[FILE_IS_GONE] = 0;
    ledger->renamed += record->count;
    return move_below(ledger, record) < 0 ? -ENOMEM : add_file(ledger, record, EFFECT_RENAMED_AWAY);
}

/* The new name of a hard link or, where there is one path only, the file that got one. */
static int add_link(struct ledger *ledger, const struct audit_record *record)
{
    struct tally_row *name;

    if (!record_bytes_present(&record->call.path2)) {
        return add_file(ledger, record, EFFECT_LINKED);
    }
    name = file_for(ledger, &record->call.path2, record->seq, true);
    if (name == NULL) {
        return -ENOMEM;
    }
    name->numbers[EFFECT_LINKED] += record->count;
    name->numbers[FILE_IS_GONE] = 0;
    return 0;
}

static bool creates(const struct audit_record *record)
{
    /* The flags of an open(2) that made its file; release repeats them, and made nothing. */
    return is_op(record, "create") ||
           (is_op(record, "write") && (record->call.flags & O_CREAT) != 0) ||
           (is_op(record, "read") && (record->call.flags & O_CREAT) != 0);
}

static int add_fs(struct ledger *ledger, const struct audit_record *record)
{
    if (creates(record)) {
        ledger->created += record->count;
        return add_file(ledger, record, EFFECT_CREATED);
    }
    if (is_op(record, "write") || is_op(record, "release")) {
        ledger->modified += record->count;
        return add_file(ledger, record, EFFECT_MODIFIED);
    }
    if (is_op(record, "delete")) {
        ledger->deleted += record->count;
        return add_file(ledger, record, EFFECT_DELETED);
    }
    if (is_op(record, "rename")) {
        return add_rename(ledger, record);
    }
    if (is_op(record, "link")) {
        return add_link(ledger, record);
    }
    if (is_op(record, "metadata")) {
        return add_file(ledger, record, EFFECT_METADATA);
    }
    return 0;
}

static int add_net(struct ledger *ledger, const struct audit_record *record)
{
    const struct record_call *call = &record->call;
    struct tally_row *row = record_bytes_present(&call->host)
                                ? row_for(&ledger->hosts, &call->host, record->seq)
                                : tally_at(&ledger->hosts, call->address);

    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[HOST_FLOWS] += record->count;
    row->numbers[HOST_BYTES_IN] += call->bytes_in;
    row->numbers[HOST_BYTES_OUT] += call->bytes_out;
    ledger->bytes_in += call->bytes_in;
    ledger->bytes_out += call->bytes_out;
    return 0;
}

static int add_exec(struct ledger *ledger, const struct audit_record *record)
{
    struct tally_row *row = row_for(&ledger->programs, &record->call.path, record->seq);

    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[0] += record->count;
    ledger->started += record->count;
    return 0;
}

/* A change begins as a decision and is settled by its result. */
static bool is_change(const struct audit_record *record)
{
    return record->source == AUDIT_SOURCE_FS &&
           (is_op(record, "delete") || is_op(record, "rename") || is_op(record, "link") ||
            is_op(record, "create") || is_op(record, "metadata"));
}

int ledger_add(struct ledger *ledger, const struct audit_record *record)
{
    if (record->kind == AUDIT_KIND_DECISION && record->status == AUDIT_STATUS_ALLOWED &&
        is_change(record)) {
        ledger->pending += record->count;
    }
    if (record->kind != AUDIT_KIND_RESULT) {
        return 0;
    }
    if (is_change(record) && ledger->pending > 0) {
        ledger->pending--;
    }
    /* A flow's bytes and a program's start are facts however they ended. */
    if (record->source == AUDIT_SOURCE_NET) {
        return add_net(ledger, record);
    }
    if (record->source == AUDIT_SOURCE_EXEC && record->error.length == 0) {
        return add_exec(ledger, record);
    }
    return record->source == AUDIT_SOURCE_FS && record->status == AUDIT_STATUS_OK
               ? add_fs(ledger, record)
               : 0;
}

void ledger_clear(struct ledger *ledger)
{
    tally_clear(&ledger->files);
    tally_clear(&ledger->hosts);
    tally_clear(&ledger->programs);
    *ledger = (struct ledger){0};
}

enum ledger_fate ledger_fate_of(const struct tally_row *file)
{
    bool was_there = file->numbers[FILE_WAS_THERE] != 0;

    if (file->numbers[FILE_IS_GONE] != 0) {
        return was_there ? FATE_DELETED : FATE_TEMPORARY;
    }
    return was_there ? FATE_CHANGED : FATE_CREATED;
}

const char *ledger_fate_word(enum ledger_fate fate)
{
    static const char *const words[FATE_COUNT] = {
        [FATE_CHANGED] = "changed",
        [FATE_CREATED] = "new",
        [FATE_DELETED] = "gone",
        [FATE_TEMPORARY] = "temporary",
    };

    return words[fate];
}

void ledger_fates(const struct ledger *ledger, uint64_t ret_counts[static FATE_COUNT])
{
    memset(ret_counts, 0, FATE_COUNT * sizeof(*ret_counts));
    for (size_t i = 0; i < ledger->files.count; i++) {
        ret_counts[ledger_fate_of(ledger->files.rows[i])]++;
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
