#include "cli/log/paint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_LEAST 40
#define COLUMNS_MOST  400

static const char *const starts[] = {
    [PAINT_PLAIN] = "",        [PAINT_DIM] = "\x1b[2m",        [PAINT_BOLD] = "\x1b[1m",
    [PAINT_GOOD] = "\x1b[32m", [PAINT_REFUSED] = "\x1b[1;31m", [PAINT_FAILED] = "\x1b[33m",
};

int paint_box_init(const char *choice, struct paint_box *ret_box)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO) == 1;
    struct winsize size = {0};

    *ret_box = (struct paint_box){0};
    if (choice == NULL || strcmp(choice, "auto") == 0) {
        ret_box->colour = terminal && (no_color == NULL || no_color[0] == '\0') &&
                          (term == NULL || strcmp(term, "dumb") != 0);
    } else if (strcmp(choice, "always") == 0) {
        ret_box->colour = true;
    } else if (strcmp(choice, "never") != 0) {
        return -EINVAL;
    }
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        ret_box->columns = size.ws_col < COLUMNS_LEAST  ? COLUMNS_LEAST
                           : size.ws_col > COLUMNS_MOST ? COLUMNS_MOST
                                                        : size.ws_col;
    }
    return 0;
}

void paint_begin(const struct paint_box *box, struct text_buffer *text, enum paint paint)
{
    if (box->colour) {
        text_buffer_append_text(text, starts[paint]);
    }
}

void paint_end(const struct paint_box *box, struct text_buffer *text, enum paint paint)
{
    if (box->colour && paint != PAINT_PLAIN) {
        text_buffer_append_text(text, "\x1b[0m");
    }
}

void paint_word(const struct paint_box *box, struct text_buffer *text, enum paint paint,
                const char *word, size_t columns)
{
    paint_begin(box, text, paint);
    text_buffer_append_text(text, word);
    paint_end(box, text, paint);
    for (size_t i = strlen(word); i < columns; i++) {
        text_buffer_append_char(text, ' ');
    }
}
