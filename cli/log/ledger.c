#include "cli/log/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

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

/* Of what is changed; never 0. */
static uint64_t change_hash(const struct audit_record *record)
{
    const struct str_view parts[] = {record->call.op.escaped, record->call.path.text.escaped,
                                     record->call.path2.text.escaped};
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
        for (size_t i = 0; i < parts[part].length; i++) {
            hash = (hash ^ (unsigned char)parts[part].bytes[i]) * UINT64_C(1099511628211);
        }
        hash *= UINT64_C(1099511628211);
    }
    return hash | 1;
}

/* What a rule allows, a breaker or the look at a link's target may still refuse: then the refusal
 * of the same change by the same thread is what came of it. A thread does one at a time. */
static int follow_change(struct ledger *ledger, const struct audit_record *record)
{
    char thread[64];
    struct tally_row *row;

    snprintf(thread, sizeof(thread), "%" PRIu64 " %" PRIu64, record->actor.tid,
             record->actor.start);
    row = tally_at(&ledger->open_changes, str_view_from(thread));
    if (row == NULL) {
        return -ENOMEM;
    }
    if (record->kind == AUDIT_KIND_DECISION && record->status == AUDIT_STATUS_ALLOWED) {
        ledger->pending += record->count;
        row->numbers[0] = change_hash(record);
        return 0;
    }
    if (ledger->pending > 0 &&
        (record->kind == AUDIT_KIND_RESULT ||
         (record->status == AUDIT_STATUS_BLOCKED && row->numbers[0] == change_hash(record)))) {
        ledger->pending--;
        row->numbers[0] = 0;
    }
    return 0;
}

int ledger_add(struct ledger *ledger, const struct audit_record *record)
{
    if (is_change(record) && follow_change(ledger, record) < 0) {
        return -ENOMEM;
    }
    if (starts_program(record)) {
        return add_exec(ledger, record);
    }
    if (record->kind != AUDIT_KIND_RESULT) {
        return 0;
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
    tally_clear(&ledger->open_changes);
    *ledger = (struct ledger){0};
}
