#include "cli/log/ledger.h"

#include <errno.h>

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

static int add_file(struct ledger *ledger, const struct audit_record *record,
                    enum ledger_effect effect)
{
    struct tally_row *row = row_for(&ledger->files, &record->call.path, record->seq);

    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[effect] += record->count;
    row->numbers[EFFECT_BYTES_WRITTEN] += record->call.bytes_out;
    ledger->bytes_written += record->call.bytes_out;
    return 0;
}

static int add_rename(struct ledger *ledger, const struct audit_record *record)
{
    struct tally_row *to = row_for(&ledger->files, &record->call.path2, record->seq);

    if (to == NULL) {
        return -ENOMEM;
    }
    to->numbers[EFFECT_RENAMED_HERE] += record->count;
    ledger->renamed += record->count;
    return add_file(ledger, record, EFFECT_RENAMED_AWAY);
}

static int add_fs(struct ledger *ledger, const struct audit_record *record)
{
    if (is_op(record, "create")) {
        ledger->created += record->count;
        return add_file(ledger, record, EFFECT_CREATED);
    }
    if (is_op(record, "write")) {
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
        return add_file(ledger, record, EFFECT_LINKED);
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
    return record->source == AUDIT_SOURCE_FS && !is_op(record, "read") && !is_op(record, "list") &&
           !is_op(record, "execute") && !is_op(record, "lookup");
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
