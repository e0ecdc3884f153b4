#include "cli/log/outcomes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int outcomes_add(struct outcomes *outcomes, const struct audit_record *record)
{
    struct outcome *row;

    if (record->kind != AUDIT_KIND_RESULT || !record->has_of) {
        return 0;
    }
    if (outcomes->count == outcomes->capacity) {
        size_t capacity = outcomes->capacity == 0 ? 256 : outcomes->capacity * 2;
        struct outcome *rows = reallocarray(outcomes->rows, capacity, sizeof(*rows));

        if (rows == NULL) {
            return -ENOMEM;
        }
        outcomes->rows = rows;
        outcomes->capacity = capacity;
    }
    row = &outcomes->rows[outcomes->count++];
    *row = (struct outcome){
        .of = record->of,
        .seq = record->seq,
        .duration_ns = record->duration_ns,
        .bytes_in = record->call.bytes_in,
        .bytes_out = record->call.bytes_out,
        .outcome = event_outcome_of(record),
    };
    if (record->error.length > 0 && record->error.length < sizeof(row->error)) {
        memcpy(row->error, record->error.bytes, record->error.length);
    }
    return 0;
}

static int outcome_compare(const void *a, const void *b)
{
    const struct outcome *left = a;
    const struct outcome *right = b;

    if (left->of != right->of) {
        return left->of < right->of ? -1 : 1;
    }
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

/* A created file has a result when it is made and one when it is closed: the worse outcome, the
 * larger numbers. */
static void merge(struct outcome *into, const struct outcome *from)
{
    if (into->outcome == OUTCOME_OK || into->outcome == OUTCOME_ALLOWED) {
        into->outcome = from->outcome;
        memcpy(into->error, from->error, sizeof(into->error));
    }
    into->duration_ns =
        into->duration_ns > from->duration_ns ? into->duration_ns : from->duration_ns;
    into->bytes_in = into->bytes_in > from->bytes_in ? into->bytes_in : from->bytes_in;
    into->bytes_out = into->bytes_out > from->bytes_out ? into->bytes_out : from->bytes_out;
}

void outcomes_settle(struct outcomes *outcomes)
{
    size_t kept = 0;

    if (outcomes->count == 0) {
        return;
    }
    qsort(outcomes->rows, outcomes->count, sizeof(*outcomes->rows), outcome_compare);
    for (size_t i = 1; i < outcomes->count; i++) {
        if (outcomes->rows[i].of == outcomes->rows[kept].of) {
            merge(&outcomes->rows[kept], &outcomes->rows[i]);
        } else {
            outcomes->rows[++kept] = outcomes->rows[i];
        }
    }
    outcomes->count = kept + 1;
}

const struct outcome *outcomes_find(const struct outcomes *outcomes, uint64_t seq)
{
    size_t low = 0;
    size_t high = outcomes->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (outcomes->rows[middle].of < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < outcomes->count && outcomes->rows[low].of == seq ? &outcomes->rows[low] : NULL;
}

void outcomes_clear(struct outcomes *outcomes)
{
    free(outcomes->rows);
    *outcomes = (struct outcomes){0};
}
