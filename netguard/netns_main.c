/* failcore-netns: guarded networks by name. */
#include <stdio.h>
#include <string.h>

#include "netguard/netns/netns_verbs.h"
#include "shared/base/exit_codes.h"
#include "shared/base/verb_table.h"

static const struct verb verbs[] = {
#define NETNS_VERB_ROW(name, function, summary) {name, summary, function},
    NETNS_VERB_TABLE(NETNS_VERB_ROW)
#undef NETNS_VERB_ROW
};

int main(int argc, char **argv)
{
    static const struct verb_table table = {
        .name = "failcore-netns",
        .summary = "guarded networks by name",
        .verbs = verbs,
        .count = sizeof(verbs) / sizeof(verbs[0]),
    };

    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("failcore-netns " FAILCORE_VERSION);
        return EXIT_CODE_OK;
    }
    return verb_table_run(&table, argc, argv);
}
