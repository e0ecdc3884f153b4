#include "cli/learn/observations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/log/event_row.h"
#include "cli/log/sensitive.h"
#include "shared/base/cleanup.h"
#include "shared/base/inert_text.h"
#include "shared/policy/address_ranges.h"
#include "shared/policy/host_name.h"
#include "shared/policy/special_names.h"

#define OPENED 0100000U /* flags of an open(2): O_LARGEFILE, which the kernel always sets */

#define BIT(operation) (1U << FS_##operation)

static unsigned int operations_of(const struct audit_record *record)
{
    uint64_t flags = record->call.flags;
    unsigned int operations = 0;

    for (int i = 0; i < FS_LOOKUP; i++) {
        const char *word = fs_operation_word((enum fs_operation)i);

        if (json_text_equals(record->call.op, str_view_from(word))) {
            operations = 1U << i;
        }
    }
    if ((operations & (BIT(READ) | BIT(WRITE))) != 0 && (flags & OPENED) != 0) {
        operations |= (flags & O_ACCMODE) == O_RDWR ? BIT(READ) | BIT(WRITE) : 0;
        operations |= (flags & O_CREAT) != 0 ? BIT(CREATE) : 0;
    }
    return operations;
}

static bool changes(unsigned int operations)
{
    return (operations & ~(unsigned int)(BIT(READ) | BIT(LIST) | BIT(EXECUTE))) != 0;
}

/* "write src/.env (a file of secrets)", inert. */
static int add_sentence(struct tally *tally, const struct audit_record *record, const char *remark)
{
    AUTO(event_words_clear) struct event_words words = {0};
    AUTO(text_buffer_clear) struct text_buffer sentence = {0};
    struct tally_row *row;

    event_words_set(&words, record);
    inert_text_append(&sentence, text_buffer_view(&words.verb), INERT_TERMINAL);
    text_buffer_append_char(&sentence, ' ');
    inert_text_append_cut(&sentence, text_buffer_view(&words.target), 200, INERT_TERMINAL);
    if (words.target2.length > 0) {
        text_buffer_append_text(&sentence, " → ");
        inert_text_append_cut(&sentence, text_buffer_view(&words.target2), 200, INERT_TERMINAL);
    }
    text_buffer_append_text(&sentence, " (");
    if (remark == NULL) {
        append_refusal(&sentence, record);
    } else {
        text_buffer_append_text(&sentence, remark);
    }
    text_buffer_append_char(&sentence, ')');
    row = tally_at(tally, text_buffer_view(&sentence));
    if (text_buffer_error(&sentence) < 0 || row == NULL) {
        return -ENOMEM;
    }
    row->numbers[0] += record->count;
    row->first_seq = row->first_seq == UINT64_MAX ? record->seq : row->first_seq;
    return 0;
}

/* ---- files -------------------------------------------------------------------------------------
 */

static struct tally_row *name_for(struct observations *observations,
                                  const struct record_bytes *bytes, unsigned int operations,
                                  const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};
    struct tally_row *row;

    record_bytes_append(&path, bytes);
    row = text_buffer_error(&path) < 0 ? NULL
                                       : tally_at(&observations->names, text_buffer_view(&path));
    if (row != NULL) {
        row->numbers[NAME_OPERATIONS] |= operations;
        row->numbers[NAME_REQUESTS] += record->count;
        row->first_seq = row->first_seq == UINT64_MAX ? record->seq : row->first_seq;
        row->last_seq = record->seq;
    }
    return row;
}

static int add_pair(struct observations *observations, struct tally_row *from, struct tally_row *to)
{
    if (observations->pair_count == observations->pair_capacity) {
        size_t capacity = observations->pair_capacity == 0 ? 32 : observations->pair_capacity * 2;
        struct name_pair *pairs = reallocarray(observations->pairs, capacity, sizeof(*pairs));

        if (pairs == NULL) {
            return -ENOMEM;
        }
        observations->pairs = pairs;
        observations->pair_capacity = capacity;
    }
    observations->pairs[observations->pair_count++] = (struct name_pair){from, to};
    return 0;
}

static const char *sensitivity_of(const struct record_bytes *bytes, bool changing)
{
    AUTO(text_buffer_clear) struct text_buffer path = {0};

    if (!record_bytes_present(bytes)) {
        return NULL;
    }
    record_bytes_append(&path, bytes);
    return path_sensitivity(text_buffer_view(&path), changing);
}

static bool can_be_written(const struct record_bytes *bytes)
{
    return bytes->hex.bytes == NULL && bytes->sha256.bytes == NULL;
}

static int add_two_names(struct observations *observations, const struct audit_record *record,
                         unsigned int operations)
{
    bool copies = operations == BIT(READ) || operations == BIT(WRITE);
    bool known = false;
    struct tally_row *from =
        name_for(observations, &record->call.path, copies ? BIT(READ) : operations, record);
    struct tally_row *to;

    /* A target that the run has met before is replaced: that needs delete as well. */
    for (size_t i = 0; i < observations->names.count && !known; i++) {
        known = record_bytes_equals(&record->call.path2, observations->names.rows[i]->key);
    }
    to = name_for(observations, &record->call.path2,
                  copies ? BIT(WRITE) : operations | (known ? BIT(DELETE) : 0), record);
    if (from == NULL || to == NULL) {
        return -ENOMEM;
    }
    return copies ? 0 : add_pair(observations, from, to);
}

static int add_fs(struct observations *observations, const struct audit_record *record)
{
    const struct record_call *call = &record->call;
    unsigned int operations = operations_of(record);
    const char *sensitive = sensitivity_of(&call->path, changes(operations));
    struct tally_row *row;

    observations->has_files = true;
    sensitive = sensitive != NULL ? sensitive : sensitivity_of(&call->path2, changes(operations));
    if (sensitive != NULL) {
        return add_sentence(&observations->suspicious, record, sensitive);
    }
    if (!can_be_written(&call->path) || !can_be_written(&call->path2)) {
        return add_sentence(&observations->foreign, record, "its name is not UTF-8, or too long");
    }
    if (operations == 0 || operations == BIT(LIST)) {
        return 0; /* looks and listings have a rule of their own */
    }
    if (record_bytes_present(&call->path2)) {
        return add_two_names(observations, record, operations);
    }
    row = name_for(observations, &call->path, operations, record);
    if (row == NULL) {
        return -ENOMEM;
    }
    if (json_text_equals(call->op, STR_VIEW_LITERAL("create")) && S_ISDIR((mode_t)call->flags)) {
        row->numbers[NAME_IS_DIRECTORY] = 1;
    }
    return 0;
}

/* ---- hosts --------------------------------------------------------------------------------------
 */

static const char *address_problem(const struct record_call *call)
{
    struct ip_address address;
    const struct address_range *range;

    if (ip_address_parse(call->address, &address) < 0) {
        return NULL;
    }
    range = address_range_find(&address);
    return range == NULL ? NULL : range->label;
}

static int add_net(struct observations *observations, const struct audit_record *record)
{
    const struct record_call *call = &record->call;
    AUTO(text_buffer_clear) struct text_buffer key = {0};
    const char *problem = address_problem(call);
    char folded[HOST_NAME_TEXT_MAX];
    struct str_view name;
    struct tally_row *row;

    record_bytes_append(&key, &call->host);
    if (problem != NULL || host_name_is_internal(text_buffer_view(&key))) {
        return add_sentence(&observations->suspicious, record,
                            problem != NULL ? problem : "an internal name");
    }
    if (key.length > 0 && !host_name_fold(text_buffer_view(&key), folded, &name)) {
        return add_sentence(&observations->foreign, record, "not a host name");
    }
    if (key.length == 0) {
        return add_sentence(&observations->suspicious, record, "an address without a name");
    }
    if (record->source == AUDIT_SOURCE_NET &&
        !json_text_equals(call->protocol, STR_VIEW_LITERAL("tcp"))) {
        return add_sentence(&observations->suspicious, record,
                            "no name can be checked in this protocol");
    }
    text_buffer_printf(&key, ":%" PRIu64, call->port);
    row = tally_at(&observations->hosts, text_buffer_view(&key));
    if (text_buffer_error(&key) < 0 || row == NULL) {
        return -ENOMEM;
    }
    row->numbers[LEARNED_REQUESTS] += record->count;
    row->first_seq = row->first_seq == UINT64_MAX ? record->seq : row->first_seq;
    row->last_seq = record->seq;
    return 0;
}

int observations_add(struct observations *observations, const struct audit_record *record)
{
    if ((record->kind != AUDIT_KIND_DECISION && record->kind != AUDIT_KIND_REPEAT) ||
        !record->policy.has_decision) {
        return 0;
    }
    observations->requests += record->count;
    if (record->policy.decision == AUDIT_DECISION_BLOCKED) {
        return add_sentence(&observations->refused, record, NULL);
    }
    switch (record->source) {
    case AUDIT_SOURCE_FS:
        return add_fs(observations, record);
    case AUDIT_SOURCE_NET:
    case AUDIT_SOURCE_DNS:
        return add_net(observations, record);
    case AUDIT_SOURCE_EXEC:
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
    case AUDIT_SOURCE_COUNT:
        break;
    }
    return 0;
}

void observations_clear(struct observations *observations)
{
    tally_clear(&observations->names);
    tally_clear(&observations->hosts);
    tally_clear(&observations->refused);
    tally_clear(&observations->suspicious);
    tally_clear(&observations->foreign);
    free(observations->pairs);
    *observations = (struct observations){0};
}
