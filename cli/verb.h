/*
 * A verb of the failcore program, and a table of them. The top level and each family ("policy",
 * "audit") have one table each; `failcore --help`, the man pages and the completions follow it.
 */
#ifndef FAILCORE_CLI_VERB_H
#define FAILCORE_CLI_VERB_H

#include <stddef.h>

struct verb {
    const char *name;
    const char *summary;
    /* argv[0] is the full name, "failcore policy check". Returns the exit code. */
    int (*run)(int argc, char **argv);
};

struct verb_table {
    const char *name; /* "failcore", "failcore policy" */
    const char *summary;
    const struct verb *verbs;
    size_t count;
};

/* Runs the verb that argv[1] names; unknown or missing: says so, exit 2. */
int verb_table_run(const struct verb_table *table, int argc, char **argv);

#endif
