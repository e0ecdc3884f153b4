#include "shared/policy/nearest_word.h"

#define WORD_LENGTH_MAX 48

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '-' ? '_' : c;
}

/* Optimal string alignment: insertions, deletions, changes and swapped neighbours count one. */
static size_t distance(struct str_view a, struct str_view b)
{
    size_t before[WORD_LENGTH_MAX + 1];
    size_t above[WORD_LENGTH_MAX + 1];
    size_t row[WORD_LENGTH_MAX + 1];

    for (size_t j = 0; j <= b.length; j++) {
        before[j] = 0;
        above[j] = j;
    }
    for (size_t i = 1; i <= a.length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t change = folded(a.bytes[i - 1]) == folded(b.bytes[j - 1]) ? 0 : 1;

            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + change);
            if (i > 1 && j > 1 && folded(a.bytes[i - 1]) == folded(b.bytes[j - 2]) &&
                folded(a.bytes[i - 2]) == folded(b.bytes[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        memcpy(before, above, sizeof(before));
        memcpy(above, row, sizeof(above));
    }
    return above[b.length];
}

const char *nearest_word(struct str_view typed, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t best_distance = 0;

    if (typed.length == 0 || typed.length > WORD_LENGTH_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct str_view word = str_view_from(words[i]);
        size_t steps = word.length > WORD_LENGTH_MAX ? WORD_LENGTH_MAX : distance(typed, word);
        size_t bound = (word.length > typed.length ? word.length : typed.length) / 3 + 1;

        if (steps <= bound && (best == NULL || steps < best_distance)) {
            best = words[i];
            best_distance = steps;
        }
    }
    return best;
}
