/* failcore-netns: guarded networks by name. */
#include <stdio.h>
#include <string.h>

#include "netguard/netns/netns_verbs.h"
#include "shared/base/exit_codes.h"

struct netns_verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct netns_verb verbs[] = {
#define NETNS_VERB_ROW(name, function, summary) {name, function, summary},
    NETNS_VERB_TABLE(NETNS_VERB_ROW)
#undef NETNS_VERB_ROW
};

static void print_help(FILE *stream)
{
    fputs("failcore-netns: guarded networks by name\n\nusage: failcore-netns VERB ...\n\nverbs:\n",
          stream);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        fprintf(stream, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    }
    fputs("\nexample:\n  failcore-netns exec agent --policy net_safe -- curl "
          "https://api.example.org/\n",
          stream);
}

int main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help(stdout);
        return EXIT_CODE_OK;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("failcore-netns " FAILCORE_VERSION);
        return EXIT_CODE_OK;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    print_help(stderr);
    return EXIT_CODE_USAGE;
}
