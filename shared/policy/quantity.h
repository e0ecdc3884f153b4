/* Numbers with units as people write them in a policy: 10MiB, 30m, 200%. */
#ifndef FAILCORE_POLICY_QUANTITY_H
#define FAILCORE_POLICY_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"

enum quantity {
    QUANTITY_COUNT = 0, /* 600 */
    QUANTITY_SIZE,      /* bytes: 4096, 16KiB, 10MiB, 1GiB, 2TiB */
    QUANTITY_DURATION,  /* milliseconds: 500ms, 30s, 10m, 1h30m, 2d */
    QUANTITY_PERCENT,   /* 200% */
};

#define QUANTITY_TEXT_MAX 40
#define QUANTITY_LARGEST  (UINT64_C(1) << 53) /* what JSON readers keep exactly */

/* -EINVAL for anything that is not the whole text; -ERANGE past QUANTITY_LARGEST. */
int quantity_parse(enum quantity quantity, struct str_view text, uint64_t *ret_value);
/* The shortest form that parses to the same value. Returns `text`. */
const char *quantity_format(enum quantity quantity, uint64_t value,
                            char text[static QUANTITY_TEXT_MAX]);
/* "a size, as 10MiB": what was expected, for messages. */
const char *quantity_example(enum quantity quantity);

#endif
