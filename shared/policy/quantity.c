#include "shared/policy/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

struct unit {
    const char *word;
    uint64_t factor;
};

/* Largest first. */
static const struct unit size_units[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"", 1},
};
static const struct unit duration_units[] = {
    {"d", UINT64_C(86400000)}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit percent_units[] = {{"%", 1}};
static const struct unit count_units[] = {{"", 1}};

struct unit_list {
    const struct unit *units;
    size_t count;
    const char *example;
};

#define UNITS(array) (array), sizeof(array) / sizeof((array)[0])

static struct unit_list units_of(enum quantity quantity)
{
    switch (quantity) {
    case QUANTITY_COUNT:
        return (struct unit_list){UNITS(count_units), "a whole number, as 256"};
    case QUANTITY_SIZE:
        return (struct unit_list){UNITS(size_units), "a size, as 10MiB"};
    case QUANTITY_DURATION:
        return (struct unit_list){UNITS(duration_units), "a duration, as 30s or 1h30m"};
    case QUANTITY_PERCENT:
        return (struct unit_list){UNITS(percent_units), "a percentage, as 200%"};
    }
    return (struct unit_list){0};
}

const char *quantity_example(enum quantity quantity)
{
    return units_of(quantity).example;
}

static int take_number(struct str_view *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = 0;

    while (digits < text->length && text->bytes[digits] >= '0' && text->bytes[digits] <= '9') {
        number = number * 10 + (uint64_t)(text->bytes[digits] - '0');
        if (number > QUANTITY_LARGEST) {
            return -ERANGE;
        }
        digits++;
    }
    if (digits == 0) {
        return -EINVAL;
    }
    text->bytes += digits;
    text->length -= digits;
    *ret_number = number;
    return 0;
}

static size_t word_length(struct str_view text)
{
    size_t length = 0;

    while (length < text.length && (text.bytes[length] < '0' || text.bytes[length] > '9')) {
        length++;
    }
    return length;
}

int quantity_parse(enum quantity quantity, struct str_view text, uint64_t *ret_value)
{
    struct unit_list list = units_of(quantity);
    size_t next_unit = 0;
    uint64_t total = 0;

    do {
        struct str_view word;
        uint64_t number;
        uint64_t part;
        size_t i;
        int error = take_number(&text, &number);

        if (error < 0) {
            return error;
        }
        word = (struct str_view){.bytes = text.bytes, .length = word_length(text)};
        for (i = next_unit; i < list.count; i++) {
            if (str_view_equals_text(word, list.units[i].word)) {
                break;
            }
        }
        if (i == list.count) {
            return -EINVAL;
        }
        if (__builtin_mul_overflow(number, list.units[i].factor, &part) ||
            __builtin_add_overflow(total, part, &total) || total > QUANTITY_LARGEST) {
            return -ERANGE;
        }
        /* 1h30m reads on; 1MiB512KiB does not. */
        next_unit = quantity == QUANTITY_DURATION ? i + 1 : list.count;
        text.bytes += word.length;
        text.length -= word.length;
    } while (text.length > 0);
    *ret_value = total;
    return 0;
}

const char *quantity_format(enum quantity quantity, uint64_t value,
                            char text[static QUANTITY_TEXT_MAX])
{
    struct unit_list list = units_of(quantity);

    for (size_t i = 0; i < list.count; i++) {
        if (i + 1 == list.count || (value != 0 && value % list.units[i].factor == 0)) {
            snprintf(text, QUANTITY_TEXT_MAX, "%" PRIu64 "%s", value / list.units[i].factor,
                     list.units[i].word);
            break;
        }
    }
    return text;
}
