/*
 * One table of options per command; the parser, --help, the man page and the completions all
 * come from it or are checked against it.
 *
 * Parsing stops at "--" or at the first word that is no option, so that a command line after it is
 * never touched.
 */
#ifndef FAILCORE_BASE_OPTION_TABLE_H
#define FAILCORE_BASE_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "shared/base/failure.h"

struct option_row {
    int id;               /* the caller's own number, > 0 */
    char short_name;      /* 0: none */
    const char *name;     /* without the dashes */
    const char *argument; /* "FILE"; NULL: takes none */
    const char *help;     /* NULL: internal, not shown */
};

struct command_table {
    const char *name;     /* "failcore run" */
    const char *synopsis; /* "[OPTIONS] -- CMD [ARG]..." */
    const char *summary;  /* one sentence */
    const char *examples; /* ready to print, each line indented by two; NULL: none */
    const struct option_row *options;
    size_t option_count;
};

/* Layout private to option_table.c. */
struct option_scan {
    const struct command_table *command;
    int argc;
    char **argv;
    int next;               /* index of the first word not read yet */
    const char *in_cluster; /* rest of "-abc" */
    const char *argument;   /* of the option just returned; NULL when it takes none */
};

struct option_scan option_scan_init(const struct command_table *command, int argc, char **argv);

/*
 * The next option's id; 0 when the options are over (scan->next is the first operand, behind a
 * "--" if there was one); -EINVAL with reterr filled for an unknown option, a missing argument or
 * one that is not wanted. "--help" needs a row like any other.
 */
int option_scan_next(struct option_scan *scan, struct failure *reterr);

/*
 * For people; or, with FAILCORE_HELP=table in the environment, the table itself, one row a line,
 * fields separated by tabs:
 *
 *     verbs    NAME SUMMARY               of a verb_table
 *     verb     NAME SUMMARY
 *     command  NAME SYNOPSIS SUMMARY      of a command_table
 *     option   SHORT LONG ARGUMENT HELP   without dashes; "" for none; internal ones are left out
 *     example  LINE
 *
 * The shells' completions ask for it while somebody types, and the tests compare the man pages
 * with it, so neither can differ from the program.
 */
void command_table_print_help(FILE *stream, const struct command_table *command);
bool help_is_for_programs(void);

#endif
