#include "netguard/netns/netns_options.h"

#include <errno.h>
#include <string.h>

enum option_id {
    OPTION_POLICY = 1,
    OPTION_AUDIT,
    OPTION_UPLINK,
    OPTION_UPSTREAM,
    OPTION_STORE,
    OPTION_HELP
};

static const struct option_row rows[] = {
    {OPTION_POLICY, 'p', "policy", "NAME|FILE", "policy to obey (repeatable)"},
    {OPTION_AUDIT, 0, "audit", "DIR", "audit directory"},
    {OPTION_UPLINK, 0, "uplink", "pasta|veth|none|netns:WHERE", "how the guard reaches the world"},
    {OPTION_UPSTREAM, 0, "upstream", "ADDRESS", NULL},
    {OPTION_STORE, 0, "store", NULL, NULL},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};

const struct command_table netns_create_command = {
    .name = "failcore-netns create",
    .synopsis = "NAME [OPTIONS]",
    .summary = "makes a guarded network that stays until it is deleted",
    .examples = "  failcore-netns create agent --policy net_safe\n",
    .options = rows,
    .option_count = sizeof(rows) / sizeof(rows[0]),
};

const struct command_table netns_exec_command = {
    .name = "failcore-netns exec",
    .synopsis = "NAME [OPTIONS] [--] CMD [ARG]...",
    .summary = "runs a command in a guarded network",
    .examples = "  failcore-netns exec agent -- curl https://api.example.org/\n",
    .options = rows,
    .option_count = sizeof(rows) / sizeof(rows[0]),
};

static int add(const char **words, size_t *count, const char *word, struct failure *reterr)
{
    if (*count == NETNS_WORDS_MAX) {
        return failure_set(reterr, -EINVAL, "more than %d of one option", NETNS_WORDS_MAX);
    }
    words[(*count)++] = word;
    return 0;
}

static int read_option(struct netns_options *options, int id, const char *argument,
                       struct failure *reterr)
{
    struct netns_settings *settings = &options->settings;

    switch (id) {
    case OPTION_POLICY:
        return add(settings->policies, &settings->policy_count, argument, reterr);
    case OPTION_UPSTREAM:
        return add(settings->upstreams, &settings->upstream_count, argument, reterr);
    case OPTION_AUDIT:
        settings->audit = argument;
        return 0;
    case OPTION_UPLINK:
        settings->uplink = argument;
        return 0;
    case OPTION_STORE:
        options->store = true;
        return 0;
    default: /* OPTION_HELP; the table has no others */
        options->help = true;
        return 0;
    }
}

/* Reads options up to the next word that is none; returns its index, or negative errno. */
static int read_some(const struct command_table *command, int argc, char **argv,
                     struct netns_options *options, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(command, argc, argv);
    int id;

    while ((id = option_scan_next(&scan, reterr)) != 0) {
        int error = id < 0 ? id : read_option(options, id, scan.argument, reterr);

        if (error < 0) {
            return error;
        }
    }
    return scan.next;
}

int netns_options_read(const struct command_table *command, int argc, char **argv,
                       bool wants_command, struct netns_options *ret_options,
                       struct failure *reterr)
{
    struct netns_options options = {0};
    int next = read_some(command, argc, argv, &options, reterr);

    if (next < 0) {
        return next;
    }
    if (next < argc) {
        options.name = argv[next];
        /* The name stands in front of the options as well as behind them. */
        argv += next;
        argc -= next;
        next = read_some(command, argc, argv, &options, reterr);
        if (next < 0) {
            return next;
        }
    }
    if (!options.help && (options.name == NULL || (wants_command && next >= argc) ||
                          (!wants_command && next < argc))) {
        failure_set(reterr, -EINVAL,
                    options.name == NULL ? "the name is missing"
                    : wants_command      ? "the command is missing"
                                         : "one name is enough");
        failure_set_mend(reterr, "%s --help", command->name);
        return -EINVAL;
    }
    options.command = argv + next;
    *ret_options = options;
    return 0;
}
