#include "shared/audit/run_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/cleanup.h"

static size_t hash_of(struct str_view id) /* FNV-1a */
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < id.length; i++) {
        hash = (hash ^ (unsigned char)id.bytes[i]) * UINT64_C(1099511628211);
    }
    return (size_t)hash;
}

/* The slot that holds the id, or the empty one where it belongs. */
static size_t *slot_of(const struct run_index *index, struct str_view id)
{
    size_t at = hash_of(id) % index->slot_count;

    while (index->slots[at] != 0 &&
           !str_view_equals_text(id, index->runs[index->slots[at] - 1].id)) {
        at = (at + 1) % index->slot_count;
    }
    return &index->slots[at];
}

static int grow(struct run_index *index)
{
    size_t capacity = index->capacity == 0 ? 16 : index->capacity * 2;
    struct run_entry *runs = reallocarray(index->runs, capacity, sizeof(*runs));
    size_t *slots = calloc(capacity * 2, sizeof(*slots));

    if (runs != NULL) {
        index->runs = runs;
    }
    if (runs == NULL || slots == NULL) {
        free(slots);
        return -ENOMEM;
    }
    free(index->slots);
    index->slots = slots;
    index->slot_count = capacity * 2;
    index->capacity = capacity;
    for (size_t i = 0; i < index->count; i++) {
        *slot_of(index, str_view_from(index->runs[i].id)) = i + 1;
    }
    return 0;
}

static void copy_text(char *to, size_t size, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    size_t length;

    json_text_append(&text, value);
    length = strnlen(text_buffer_text(&text), size - 1);
    memcpy(to, text_buffer_text(&text), length);
    to[length] = '\0';
}

struct run_entry *run_index_entry(struct run_index *index, const char *id)
{
    size_t *slot;

    if (strlen(id) >= RUN_INDEX_ID_MAX || (index->count == index->capacity && grow(index) < 0)) {
        return NULL;
    }
    slot = slot_of(index, str_view_from(id));
    if (*slot == 0) {
        struct run_entry *run = &index->runs[index->count];

        *run = (struct run_entry){.first_seq = UINT64_MAX,
                                  .start_seq = UINT64_MAX,
                                  .end_seq = UINT64_MAX,
                                  .launcher_uid = UINT64_MAX,
                                  .exit_code = UINT64_MAX};
        memcpy(run->id, id, strlen(id));
        *slot = ++index->count;
    }
    return &index->runs[*slot - 1];
}

static struct run_entry *entry_for(struct run_index *index, const struct audit_record *record)
{
    struct run_entry *run;
    char id[RUN_INDEX_ID_MAX];

    copy_text(id, sizeof(id), record->run);
    run = run_index_entry(index, id);
    if (run != NULL && run->first_seq == UINT64_MAX) {
        run->first_seq = record->seq;
        (void)record_time_parse(record->timestamp, &run->first_ns);
    }
    return run;
}

static void copy_member(char *to, size_t size, const struct audit_record *record, const char *name)
{
    struct json_text value;

    if (record_member_text(record, name, &value)) {
        copy_text(to, size, value);
    }
}

static void note_start(struct run_entry *run, const struct audit_record *record)
{
    run->start_seq = record->seq;
    (void)record_member_count(record, "launcher_uid", &run->launcher_uid);
    copy_member(run->host, sizeof(run->host), record, "host");
}

static void note_end(struct run_entry *run, const struct audit_record *record)
{
    run->end_seq = record->seq;
    (void)record_member_count(record, "exit", &run->exit_code);
    copy_member(run->cause, sizeof(run->cause), record, "cause");
}

static void count_record(struct run_counts *counts, const struct audit_record *record)
{
    counts->records++;
    switch (record->kind) {
    case AUDIT_KIND_DECISION:
    case AUDIT_KIND_REPEAT:
        counts->decisions += record->count;
        counts->blocked += record->status == AUDIT_STATUS_BLOCKED ? record->count : 0;
        counts->logged +=
            record->policy.has_decision && record->policy.decision == AUDIT_DECISION_LOGGED
                ? record->count
                : 0;
        break;
    case AUDIT_KIND_RESULT:
        counts->failed += record->status == AUDIT_STATUS_FAIL;
        counts->limited +=
            record->status == AUDIT_STATUS_TIMEOUT || record->status == AUDIT_STATUS_LIMIT;
        break;
    case AUDIT_KIND_LOSS:
        counts->lost += record->count;
        break;
    case AUDIT_KIND_START:
    case AUDIT_KIND_LEDGER:
    case AUDIT_KIND_POLICY:
    case AUDIT_KIND_LIMIT:
    case AUDIT_KIND_BREAKER:
    case AUDIT_KIND_ROTATE:
    case AUDIT_KIND_PRUNE:
    case AUDIT_KIND_RECOVERED:
    case AUDIT_KIND_CLOCK_STEP:
    case AUDIT_KIND_END:
    case AUDIT_KIND_COUNT:
        break;
    }
}

int run_index_add(struct run_index *index, const struct audit_record *record)
{
    struct run_entry *run;

    index->next_seq = record->seq + 1;
    if (record->run.escaped.length == 0) {
        return 0;
    }
    run = entry_for(index, record);
    if (run == NULL) {
        return -ENOMEM;
    }
    run->last_seq = record->seq;
    (void)record_time_parse(record->timestamp, &run->last_ns);
    if (run->policy_name[0] == '\0' && record->policy.name.escaped.length > 0) {
        copy_text(run->policy_name, sizeof(run->policy_name), record->policy.name);
        copy_text(run->policy_version, sizeof(run->policy_version), record->policy.version);
        copy_text(run->policy_hash, sizeof(run->policy_hash), record->policy.hash);
    }
    if (record->kind == AUDIT_KIND_START && run->start_seq == UINT64_MAX) {
        note_start(run, record);
    } else if (record->kind == AUDIT_KIND_END) {
        note_end(run, record);
    }
    count_record(&run->counts, record);
    return 0;
}

int run_index_read(struct run_index *index, struct log_lines *lines, struct failure *reterr)
{
    struct str_view line;
    int got;

    while ((got = log_lines_next(lines, &line, reterr)) > 0) {
        struct audit_record record;

        if (audit_record_read(line, &record, NULL) < 0) {
            index->unreadable++;
        } else if (run_index_add(index, &record) < 0) {
            return failure_set(reterr, -ENOMEM, "cannot index the log: no memory");
        }
    }
    return got;
}

void run_index_clear(struct run_index *index)
{
    free(index->runs);
    free(index->slots);
    *index = (struct run_index){0};
}

static bool id_ends_with(const char *id, const char *word)
{
    const char *dash = strrchr(id, '-');

    return dash != NULL && strcmp(dash + 1, word) == 0;
}

const struct run_entry *run_index_find(const struct run_index *index, const char *word)
{
    const struct run_entry *found = NULL;
    size_t matches = 0;

    if (index->count == 0) {
        return NULL;
    }
    if (word == NULL || strcmp(word, "last") == 0) {
        return &index->runs[index->count - 1];
    }
    if (*slot_of(index, str_view_from(word)) != 0) {
        return &index->runs[*slot_of(index, str_view_from(word)) - 1];
    }
    for (size_t i = 0; i < index->count; i++) {
        if (strncmp(index->runs[i].id, word, strlen(word)) == 0 ||
            id_ends_with(index->runs[i].id, word)) {
            found = &index->runs[i];
            matches++;
        }
    }
    return matches == 1 ? found : NULL;
}
