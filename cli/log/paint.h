/*
 * Colour for those who want it: --color=auto|always|never, NO_COLOR (https://no-color.org), a
 * terminal. A colour never says anything that a word beside it does not say.
 */
#ifndef FAILCORE_CLI_LOG_PAINT_H
#define FAILCORE_CLI_LOG_PAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

enum paint { PAINT_PLAIN = 0, PAINT_DIM, PAINT_BOLD, PAINT_GOOD, PAINT_REFUSED, PAINT_FAILED };

struct paint_box {
    bool colour;
    size_t columns; /* of the terminal; 0: not one, nothing is cut */
};

/* `choice`: the word of --color, NULL for auto. -EINVAL: none of the three. */
int paint_box_init(const char *choice, struct paint_box *ret_box);

void paint_begin(const struct paint_box *box, struct text_buffer *text, enum paint paint);
void paint_end(const struct paint_box *box, struct text_buffer *text, enum paint paint);
/* Our own words, painted; then blanks up to `columns`. */
void paint_word(const struct paint_box *box, struct text_buffer *text, enum paint paint,
                const char *word, size_t columns);

#endif
