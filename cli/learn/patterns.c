#include "cli/learn/patterns.h"

#include <errno.h>
#include <stdlib.h>

#include "shared/base/cleanup.h"

#define NAMES_FOR_STAR       6 /* files of one directory before "dir/" and a star says it */
#define DIRECTORIES_FOR_DEEP 4 /* directories of one directory before "dir/" and two stars */
#define NAMES_AT_THE_TOP     20

static void append_escaped(struct text_buffer *text, struct str_view path)
{
    for (size_t i = 0; i < path.length; i++) {
        if (memchr("*?[]{}\\,!", path.bytes[i], 9) != NULL) {
            text_buffer_append_char(text, '\\');
        }
        text_buffer_append_char(text, path.bytes[i]);
    }
}

static int add_pattern(struct patterns *patterns, const struct text_buffer *pattern,
                       unsigned int operations, uint64_t names, uint64_t requests,
                       uint64_t first_seq, uint64_t last_seq)
{
    struct tally_row *row = text_buffer_error(pattern) < 0
                                ? NULL
                                : tally_at(&patterns->rows, text_buffer_view(pattern));

    if (row == NULL) {
        return -ENOMEM;
    }
    row->numbers[PATTERN_OPERATIONS] |= operations;
    row->numbers[PATTERN_NAMES] =
        row->numbers[PATTERN_NAMES] > names ? row->numbers[PATTERN_NAMES] : names;
    row->numbers[PATTERN_REQUESTS] =
        row->numbers[PATTERN_REQUESTS] > requests ? row->numbers[PATTERN_REQUESTS] : requests;
    row->first_seq = row->first_seq < first_seq ? row->first_seq : first_seq;
    row->last_seq = row->last_seq > last_seq ? row->last_seq : last_seq;
    return 0;
}

int patterns_add_name(struct patterns *patterns, struct str_view path, unsigned int operations,
                      uint64_t seq)
{
    AUTO(text_buffer_clear) struct text_buffer pattern = {0};

    append_escaped(&pattern, path);
    return add_pattern(patterns, &pattern, operations, 1, 1, seq, seq);
}

/* ---- one operation over the sorted names
 * ---------------------------------------------------------- */

struct range {
    struct tally_row **rows;
    size_t first;
    size_t end;
    size_t prefix; /* bytes of the directory's name with its slash */
};

static bool has(const struct tally_row *row, unsigned int operation)
{
    return (row->numbers[NAME_OPERATIONS] & 1U << operation) != 0;
}

/* The end of the names that share the component at `first`, which are in a directory below. */
static size_t directory_end(const struct range *range, size_t first, size_t *ret_prefix)
{
    struct str_view key = range->rows[first]->key;
    const char *slash = memchr(key.bytes + range->prefix, '/', key.length - range->prefix);
    size_t end = first + 1;

    if (slash == NULL) {
        return first;
    }
    *ret_prefix = (size_t)(slash - key.bytes) + 1;
    while (end < range->end &&
           str_view_starts_with(range->rows[end]->key, (struct str_view){key.bytes, *ret_prefix})) {
        end++;
    }
    return end;
}

struct span {
    uint64_t files;       /* directly here */
    uint64_t directories; /* with at least one such name */
    uint64_t names;
    uint64_t requests, direct_requests;
    uint64_t first_seq, last_seq;
};

static void count_rows(const struct range *range, size_t first, size_t end, unsigned int operation,
                       struct span *span)
{
    for (size_t i = first; i < end; i++) {
        const struct tally_row *row = range->rows[i];

        if (has(row, operation)) {
            span->names++;
            span->requests += row->numbers[NAME_REQUESTS];
            span->first_seq = span->first_seq < row->first_seq ? span->first_seq : row->first_seq;
            span->last_seq = span->last_seq > row->last_seq ? span->last_seq : row->last_seq;
        }
    }
}

static struct span span_of(const struct range *range, unsigned int operation)
{
    struct span span = {.first_seq = UINT64_MAX};

    for (size_t i = range->first; i < range->end;) {
        size_t prefix;
        size_t end = directory_end(range, i, &prefix);
        uint64_t before = span.names;

        if (end == i) {
            count_rows(range, i, i + 1, operation, &span);
            if (span.names > before) {
                span.files++;
                span.direct_requests += range->rows[i]->numbers[NAME_REQUESTS];
            }
            i++;
        } else {
            count_rows(range, i, end, operation, &span);
            span.directories += span.names > before;
            i = end;
        }
    }
    return span;
}

static int add_wild(struct patterns *patterns, const struct range *range, const char *wild,
                    unsigned int operation, const struct span *span, uint64_t names,
                    uint64_t requests)
{
    AUTO(text_buffer_clear) struct text_buffer pattern = {0};

    append_escaped(&pattern,
                   (struct str_view){range->rows[range->first]->key.bytes, range->prefix});
    text_buffer_append_text(&pattern, wild);
    return add_pattern(patterns, &pattern, 1U << operation, names, requests, span->first_seq,
                       span->last_seq);
}

static int add_literal(struct patterns *patterns, const struct tally_row *row,
                       unsigned int operation)
{
    AUTO(text_buffer_clear) struct text_buffer pattern = {0};

    append_escaped(&pattern, row->key);
    return add_pattern(patterns, &pattern, 1U << operation, 1, row->numbers[NAME_REQUESTS],
                       row->first_seq, row->last_seq);
}

static int cover(struct patterns *patterns, const struct range *range, unsigned int operation)
{
    struct span span = span_of(range, operation);
    bool top = range->prefix == 0;
    bool star = span.files >= (top ? NAMES_AT_THE_TOP : NAMES_FOR_STAR);
    int error = 0;

    if (span.names == 0) {
        return 0;
    }
    if (!top && (span.directories >= DIRECTORIES_FOR_DEEP || (star && span.directories >= 2))) {
        return add_wild(patterns, range, "**", operation, &span, span.names, span.requests);
    }
    if (star) {
        error = add_wild(patterns, range, "*", operation, &span, span.files, span.direct_requests);
    }
    for (size_t i = range->first; i < range->end && error == 0;) {
        struct range below = *range;
        size_t end = directory_end(range, i, &below.prefix);

        if (end == i) {
            if (!star && has(range->rows[i], operation)) {
                error = add_literal(patterns, range->rows[i], operation);
            }
            i++;
        } else {
            below.first = i;
            below.end = end;
            error = cover(patterns, &below, operation);
            i = end;
        }
    }
    return error;
}

/* ---- names that traded places
 * ------------------------------------------------------------------------ */

static bool is_below(struct str_view name, struct str_view directory)
{
    return name.length > directory.length && name.bytes[directory.length] == '/' &&
           str_view_starts_with(name, directory);
}

/* What was done to the name and to everything below it; whether there is anything. */
static uint64_t operations_below(const struct observations *observations, struct str_view directory,
                                 bool *is_directory)
{
    uint64_t operations = 0;

    for (size_t i = 0; i < observations->names.count; i++) {
        const struct tally_row *row = observations->names.rows[i];

        if (is_below(row->key, directory)) {
            operations |= row->numbers[NAME_OPERATIONS];
            *is_directory = true;
        } else if (str_view_equals(row->key, directory)) {
            operations |= row->numbers[NAME_OPERATIONS];
            *is_directory |= row->numbers[NAME_IS_DIRECTORY] != 0;
        }
    }
    return operations;
}

/*
 * Two files get a pattern each. Two directories must have the same rules for all that will ever
 * be below (SR12), and only one pattern over both says that: it stands at what they share.
 */
static int add_pair_patterns(struct patterns *patterns, const struct name_pair *pair)
{
    AUTO(text_buffer_clear) struct text_buffer pattern = {0};
    unsigned int operations = (unsigned int)pair->from->numbers[NAME_OPERATIONS];
    struct str_view from = pair->from->key;
    struct str_view to = pair->to->key;
    size_t shared = 0;
    struct tally_row *row;

    if (pair->from->numbers[NAME_IS_DIRECTORY] == 0) {
        return patterns_add_name(patterns, from, operations, pair->from->first_seq) < 0 ||
                       patterns_add_name(patterns, to, operations, pair->to->first_seq) < 0
                   ? -ENOMEM
                   : 0;
    }
    for (size_t i = 0; i < from.length && i < to.length && from.bytes[i] == to.bytes[i]; i++) {
        shared = from.bytes[i] == '/' ? i + 1 : shared;
    }
    append_escaped(&pattern, (struct str_view){from.bytes, shared});
    text_buffer_append_text(&pattern, "**");
    if (add_pattern(patterns, &pattern, operations, 1, 1, pair->from->first_seq,
                    pair->to->last_seq) < 0) {
        return -ENOMEM;
    }
    row = tally_at(&patterns->rows, text_buffer_view(&pattern));
    row->numbers[PATTERN_TIED] = 1;
    return 0;
}

/* Until nothing changes: a name may have been renamed twice. */
static int unite_pairs(struct observations *observations, struct patterns *patterns)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < observations->pair_count; i++) {
            const struct name_pair *pair = &observations->pairs[i];
            bool is_directory = false;
            uint64_t all = operations_below(observations, pair->from->key, &is_directory) |
                           operations_below(observations, pair->to->key, &is_directory);

            changed |= pair->from->numbers[NAME_OPERATIONS] != all ||
                       pair->to->numbers[NAME_OPERATIONS] != all;
            pair->from->numbers[NAME_OPERATIONS] = pair->to->numbers[NAME_OPERATIONS] = all;
            if (is_directory) {
                pair->from->numbers[NAME_IS_DIRECTORY] = pair->to->numbers[NAME_IS_DIRECTORY] = 1;
            }
        }
    }
    for (size_t i = 0; i < observations->pair_count; i++) {
        if (add_pair_patterns(patterns, &observations->pairs[i]) < 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* The pairs' own patterns say it all, and a pattern more for one end would tell the two apart. */
static void leave_out_pairs(struct observations *observations)
{
    for (size_t i = 0; i < observations->names.count; i++) {
        struct tally_row *row = observations->names.rows[i];

        for (size_t j = 0; j < observations->pair_count; j++) {
            const struct tally_row *from = observations->pairs[j].from;
            const struct tally_row *to = observations->pairs[j].to;

            if (row == from || row == to || is_below(row->key, from->key) ||
                is_below(row->key, to->key)) {
                row->numbers[NAME_OPERATIONS] = 0;
            }
        }
    }
}

int patterns_make(struct observations *observations, struct patterns *patterns)
{
    struct range all;
    int error = unite_pairs(observations, patterns);

    leave_out_pairs(observations);
    tally_sort_keys(&observations->names);
    all = (struct range){.rows = observations->names.rows, .end = observations->names.count};
    for (unsigned int operation = 0; operation < FS_LOOKUP && error == 0; operation++) {
        if (operation != FS_LIST) {
            error = cover(patterns, &all, operation);
        }
    }
    return error;
}

void patterns_clear(struct patterns *patterns)
{
    tally_clear(&patterns->rows);
}
