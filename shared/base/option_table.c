#include "shared/base/option_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/str_view.h"

struct option_scan option_scan_init(const struct command_table *command, int argc, char **argv)
{
    return (struct option_scan){.command = command, .argc = argc, .argv = argv, .next = 1};
}

static const struct option_row *find_long(const struct command_table *command, struct str_view name)
{
    for (size_t i = 0; i < command->option_count; i++) {
        if (str_view_equals_text(name, command->options[i].name)) {
            return &command->options[i];
        }
    }
    return NULL;
}

static const struct option_row *find_short(const struct command_table *command, char name)
{
    for (size_t i = 0; i < command->option_count; i++) {
        if (name != '\0' && command->options[i].short_name == name) {
            return &command->options[i];
        }
    }
    return NULL;
}

static int refuse(struct option_scan *scan, struct failure *reterr, const char *why,
                  const char *word)
{
    failure_set(reterr, -EINVAL, "%s: %s", why, word);
    failure_set_mend(reterr, "%s --help", scan->command->name);
    return -EINVAL;
}

/* Takes the following word as the option's argument. */
static int take_argument(struct option_scan *scan, const char *word, struct failure *reterr)
{
    if (scan->next >= scan->argc) {
        return refuse(scan, reterr, "this option needs an argument", word);
    }
    scan->argument = scan->argv[scan->next++];
    return 0;
}

static int scan_long(struct option_scan *scan, const char *word, struct failure *reterr)
{
    const char *equals = strchr(word, '=');
    struct str_view name = {.bytes = word + 2};
    const struct option_row *row;

    name.length = equals == NULL ? strlen(name.bytes) : (size_t)(equals - name.bytes);
    row = find_long(scan->command, name);
    if (row == NULL) {
        return refuse(scan, reterr, "unknown option", word);
    }
    if (row->argument == NULL && equals != NULL) {
        return refuse(scan, reterr, "this option takes no argument", word);
    }
    if (row->argument != NULL && equals != NULL) {
        scan->argument = equals + 1;
    } else if (row->argument != NULL) {
        int error = take_argument(scan, word, reterr);

        if (error < 0) {
            return error;
        }
    }
    return row->id;
}

static int scan_short(struct option_scan *scan, struct failure *reterr)
{
    const char *word = scan->argv[scan->next - 1];
    const struct option_row *row = find_short(scan->command, *scan->in_cluster);

    if (row == NULL) {
        return refuse(scan, reterr, "unknown option", word);
    }
    scan->in_cluster++;
    if (row->argument != NULL) {
        const char *attached = scan->in_cluster;

        scan->in_cluster = NULL;
        if (*attached != '\0') {
            scan->argument = attached;
        } else {
            int error = take_argument(scan, word, reterr);

            if (error < 0) {
                return error;
            }
        }
    } else if (*scan->in_cluster == '\0') {
        scan->in_cluster = NULL;
    }
    return row->id;
}

int option_scan_next(struct option_scan *scan, struct failure *reterr)
{
    const char *word;

    scan->argument = NULL;
    if (scan->in_cluster != NULL) {
        return scan_short(scan, reterr);
    }
    if (scan->next >= scan->argc) {
        return 0;
    }
    word = scan->argv[scan->next];
    if (word[0] != '-' || word[1] == '\0') {
        return 0;
    }
    scan->next++;
    if (strcmp(word, "--") == 0) {
        return 0;
    }
    if (word[1] == '-') {
        return scan_long(scan, word, reterr);
    }
    scan->in_cluster = word + 1;
    return scan_short(scan, reterr);
}

static void print_option(FILE *stream, const struct option_row *row)
{
    char left[64];
    char brief[8] = "";

    if (row->short_name != 0) {
        snprintf(brief, sizeof(brief), "-%c, ", row->short_name);
    }
    snprintf(left, sizeof(left), "%4s--%s%s%s", brief, row->name, row->argument == NULL ? "" : " ",
             row->argument == NULL ? "" : row->argument);
    fprintf(stream, "  %-28s %s\n", left, row->help);
}

bool help_is_for_programs(void)
{
    const char *form = getenv("FAILCORE_HELP");

    return form != NULL && strcmp(form, "table") == 0;
}

static void print_example_rows(FILE *stream, const char *examples)
{
    while (*examples != '\0') {
        int length = (int)strcspn(examples, "\n");

        fprintf(stream, "example\t%.*s\n", length, examples);
        examples += length;
        examples += *examples == '\n';
    }
}

static void print_rows(FILE *stream, const struct command_table *command)
{
    fprintf(stream, "command\t%s\t%s\t%s\n", command->name, command->synopsis, command->summary);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_row *row = &command->options[i];

        if (row->help != NULL) {
            fprintf(stream, "option\t%.*s\t%s\t%s\t%s\n", row->short_name == 0 ? 0 : 1,
                    &row->short_name, row->name, row->argument == NULL ? "" : row->argument,
                    row->help);
        }
    }
    if (command->examples != NULL) {
        print_example_rows(stream, command->examples);
    }
}

void command_table_print_help(FILE *stream, const struct command_table *command)
{
    if (help_is_for_programs()) {
        print_rows(stream, command);
        return;
    }
    fprintf(stream, "%s: %s\n\nusage: %s %s\n", command->name, command->summary, command->name,
            command->synopsis);
    if (command->option_count > 0) {
        fputs("\noptions:\n", stream);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].help != NULL) {
            print_option(stream, &command->options[i]);
        }
    }
    if (command->examples != NULL) {
        fprintf(stream, "\nexamples:\n%s", command->examples);
    }
}
