/*
 * A verb of a program, and a table of them. failcore and failcore-netns have one each, and so has
 * each family of verbs ("failcore policy"); --help, the man pages and the completions follow them.
 */
#ifndef FAILCORE_BASE_VERB_TABLE_H
#define FAILCORE_BASE_VERB_TABLE_H

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
