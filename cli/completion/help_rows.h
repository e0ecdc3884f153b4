/*
 * The option tables of our programs, as each prints its own with FAILCORE_HELP=table
 * (shared/base/option_table.h). So what the completions offer is what the program takes.
 */
#ifndef FAILCORE_CLI_COMPLETION_HELP_ROWS_H
#define FAILCORE_CLI_COMPLETION_HELP_ROWS_H

#include <stdbool.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

#define HELP_FIELD_COUNT 5

/* One row: "option", short, long, argument, help. Absent fields are {NULL, 0}. Borrowed. */
struct help_row {
    struct str_view field[HELP_FIELD_COUNT];
};

/* Takes the next row off *rest; false at the end. */
bool help_row_next(struct str_view *rest, struct help_row *ret_row);

/*
 * Runs our program `words[0]` with the other words (`count` in all, at most 8) and appends what it
 * writes to its standard output. For tables `help` adds --help in that form; without, the words
 * alone. -ENOENT when the program is not one of ours or not there, -EIO when it fails.
 */
int program_ask(const char *const *words, size_t count, bool help, struct text_buffer *text);

#endif
