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

static bool creates(const struct audit_record *record)
{
    /* The flags of an open(2) that made its file; release repeats them, and made nothing. */
    return is_op(record, "create") ||
           (is_op(record, "write") && (record->call.flags & O_CREAT) != 0) ||
           (is_op(record, "read") && (record->call.flags & O_CREAT) != 0);
}

static int add_fs(struct ledger *ledger, const struct audit_record *record)
{
    struct file_history *history = &ledger->history;

    ledger->bytes_written += record->call.bytes_out;
    if (creates(record)) {
        ledger->created += record->count;
        return file_history_add(history, record, EFFECT_CREATED, false);
    }
    if (is_op(record, "release")) {
        ledger->modified += record->count;
        return file_history_add(history, record, EFFECT_MODIFIED, true);
    }
    if (is_op(record, "write")) {
        ledger->modified += record->count;
        return file_history_add(history, record, EFFECT_MODIFIED, false);
    }
    if (is_op(record, "delete")) {
        ledger->deleted += record->count;
        return file_history_add(history, record, EFFECT_DELETED, false);
    }
    if (is_op(record, "rename")) {
        ledger->renamed += record->count;
        return file_history_add(history, record, EFFECT_RENAMED_AWAY, false);
    }
    if (is_op(record, "link")) {
        return file_history_add(history, record, EFFECT_LINKED, false);
    }
    return is_op(record, "metadata") ? file_history_add(history, record, EFFECT_METADATA, false)
                                     : 0;
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

/* The run's command has a result, and may never have begun; what it starts itself has none. */
static bool starts_program(const struct audit_record *record)
{
    if (record->source != AUDIT_SOURCE_EXEC) {
        return false;
    }
    return record->actor.tid == 0
               ? record->kind == AUDIT_KIND_RESULT && record->error.length == 0
               : record->kind == AUDIT_KIND_DECISION && record->status == AUDIT_STATUS_ALLOWED;
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
    if (starts_program(record)) {
        return add_exec(ledger, record);
    }
    if (record->kind != AUDIT_KIND_RESULT) {
        return 0;
    }
    if (is_change(record) && ledger->pending > 0) {
        ledger->pending--;
    }
    /* A flow's bytes are facts however it ended. */
    if (record->source == AUDIT_SOURCE_NET) {
        return add_net(ledger, record);
    }
    return record->source == AUDIT_SOURCE_FS && record->status == AUDIT_STATUS_OK
               ? add_fs(ledger, record)
               : 0;
}

int ledger_settle(struct ledger *ledger)
{
    tally_sort_keys(&ledger->hosts);
    tally_sort_keys(&ledger->programs);
    return file_history_settle(&ledger->history);
}

void ledger_clear(struct ledger *ledger)
{
    file_history_clear(&ledger->history);
    tally_clear(&ledger->hosts);
    tally_clear(&ledger->programs);
    *ledger = (struct ledger){0};
}
