/* failcore: the program people type. It execs its siblings; it never serves a mount or a queue. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "shared/base/exit_codes.h"
#include "shared/base/verb_table.h"

static const struct verb verbs[] = {
#define VERB_ROW(name, function, summary) {name, summary, function},
    VERB_TABLE(VERB_ROW)
#undef VERB_ROW
};

int main(int argc, char **argv)
{
    static const struct verb_table table = {
        .name = "failcore",
        .summary = "an execution boundary for AI agents",
        .verbs = verbs,
        .count = sizeof(verbs) / sizeof(verbs[0]),
    };

    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("failcore " FAILCORE_VERSION);
        return EXIT_CODE_OK;
    }
    return verb_table_run(&table, argc, argv);
}
