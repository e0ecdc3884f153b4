#include "cli/log/tally.h"

#include <stdlib.h>
#include <string.h>

static size_t hash_of(struct str_view key) /* FNV-1a */
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ (unsigned char)key.bytes[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ hash >> 32);
}

static uint32_t *slot_of(const struct tally *tally, struct str_view key)
{
    size_t at = hash_of(key) & (tally->slot_count - 1);

    while (tally->slots[at] != 0 && !str_view_equals(tally->rows[tally->slots[at] - 1]->key, key)) {
        at = (at + 1) & (tally->slot_count - 1);
    }
    return &tally->slots[at];
}

static bool grow(struct tally *tally)
{
    size_t capacity = tally->capacity == 0 ? 64 : tally->capacity * 2;
    struct tally_row **rows = reallocarray(tally->rows, capacity, sizeof(struct tally_row *));
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));

    if (rows != NULL) {
        tally->rows = rows;
    }
    if (rows == NULL || slots == NULL || capacity > UINT32_MAX / 2) {
        free(slots);
        return false;
    }
    free(tally->slots);
    tally->slots = slots;
    tally->slot_count = capacity * 2;
    tally->capacity = capacity;
    for (size_t i = 0; i < tally->count; i++) {
        *slot_of(tally, tally->rows[i]->key) = (uint32_t)i + 1;
    }
    return true;
}

struct tally_row *tally_at(struct tally *tally, struct str_view key)
{
    uint32_t *slot;
    struct tally_row *row;
    char *copy;

    if (tally->count == tally->capacity && !grow(tally)) {
        return NULL;
    }
    slot = slot_of(tally, key);
    if (*slot != 0) {
        return tally->rows[*slot - 1];
    }
    row = calloc(1, sizeof(*row) + key.length + 1);
    if (row == NULL) {
        return NULL;
    }
    copy = (char *)(row + 1);
    if (key.length > 0) {
        memcpy(copy, key.bytes, key.length);
    }
    row->key = (struct str_view){.bytes = copy, .length = key.length};
    row->first_seq = UINT64_MAX;
    tally->rows[tally->count++] = row;
    *slot = (uint32_t)tally->count;
    return row;
}

static int compare_keys(const void *a, const void *b, void *unused)
{
    const struct tally_row *left = *(struct tally_row *const *)a;
    const struct tally_row *right = *(struct tally_row *const *)b;
    size_t shorter = left->key.length < right->key.length ? left->key.length : right->key.length;
    int order = memcmp(left->key.bytes, right->key.bytes, shorter);

    (void)unused;
    if (order != 0) {
        return order;
    }
    return left->key.length < right->key.length ? -1 : left->key.length > right->key.length;
}

static int compare_numbers(const void *a, const void *b, void *number)
{
    unsigned int which = *(const unsigned int *)number;
    uint64_t left = (*(struct tally_row *const *)a)->numbers[which];
    uint64_t right = (*(struct tally_row *const *)b)->numbers[which];

    return left != right ? (left < right ? 1 : -1) : compare_keys(a, b, NULL);
}

void tally_sort(struct tally *tally, unsigned int number)
{
    if (tally->count > 0) {
        qsort_r(tally->rows, tally->count, sizeof(*tally->rows), compare_numbers, &number);
    }
}

void tally_sort_keys(struct tally *tally)
{
    if (tally->count > 0) {
        qsort_r(tally->rows, tally->count, sizeof(*tally->rows), compare_keys, NULL);
    }
}

void tally_clear(struct tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        free(tally->rows[i]);
    }
    free(tally->rows);
    free(tally->slots);
    *tally = (struct tally){0};
}
