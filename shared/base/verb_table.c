#include "shared/base/verb_table.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/exit_codes.h"
#include "shared/base/failure.h"
#include "shared/base/option_table.h"

/* The rows that completions and the checks of the man pages read (option_table.h). */
static void print_rows(FILE *stream, const struct verb_table *table)
{
    fprintf(stream, "verbs\t%s\t%s\n", table->name, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        fprintf(stream, "verb\t%s\t%s\n", table->verbs[i].name, table->verbs[i].summary);
    }
}

static void print_help(FILE *stream, const struct verb_table *table)
{
    if (help_is_for_programs()) {
        print_rows(stream, table);
        return;
    }
    fprintf(stream, "%s: %s\n\nusage: %s VERB [ARG]...\n\nverbs:\n", table->name, table->summary,
            table->name);
    for (size_t i = 0; i < table->count; i++) {
        fprintf(stream, "  %-12s %s\n", table->verbs[i].name, table->verbs[i].summary);
    }
    fprintf(stream, "\n%s VERB --help says more about one.\n", table->name);
}

int verb_table_run(const struct verb_table *table, int argc, char **argv)
{
    struct failure failure = {0};
    char name[128];

    if (argc < 2) {
        print_help(stderr, table);
        return EXIT_CODE_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout, table);
        return EXIT_CODE_OK;
    }
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(argv[1], table->verbs[i].name) == 0) {
            snprintf(name, sizeof(name), "%s %s", table->name, argv[1]);
            argv[1] = name;
            return table->verbs[i].run(argc - 1, argv + 1);
        }
    }
    failure_set(&failure, 0, "unknown verb: %s", argv[1]);
    failure_set_mend(&failure, "%s --help", table->name);
    failure_print(stderr, table->name, &failure);
    return EXIT_CODE_USAGE;
}
