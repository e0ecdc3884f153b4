#include "cli/run/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum {
    OPTION_POLICY = 1,
    OPTION_WORKSPACE,
    OPTION_MOUNT,
    OPTION_AUDIT,
    OPTION_NAME,
    OPTION_UPLINK,
    OPTION_NO_NET,
    OPTION_NO_REPORT,
    OPTION_SHADOW,
    OPTION_STRICT,
    OPTION_ENV,
    OPTION_STATUS_FD,
    OPTION_PLAN,
    OPTION_JSON,
    OPTION_HELP,
};

static const struct option_row rows[] = {
    {OPTION_POLICY, 'p', "policy", "NAME|FILE", "what is allowed; may be given again: they merge"},
    {OPTION_WORKSPACE, 'w', "workspace", "DIR", "the tree to work in (default: here)"},
    {OPTION_MOUNT, 0, "mount", "PATH", "where the command sees it (default: the same path)"},
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory"},
    {OPTION_NAME, 0, "name", "NAME", "a name for the run, shown by failcore ps"},
    {OPTION_UPLINK, 0, "uplink", "pasta|veth|none|netns:WHERE", "how the guard reaches the world"},
    {OPTION_NO_NET, 0, "no-net", NULL, "no network and no guard, whatever the policy says"},
    {OPTION_NO_REPORT, 0, "no-report", NULL, "leave no report in the audit directory"},
    {OPTION_SHADOW, 0, "shadow", NULL, "permit and record what a policy could permit"},
    {OPTION_STRICT, 0, "strict", NULL, "refuse weaker forms of a layer; cache no decision"},
    {OPTION_ENV, 'e', "env", "K[=V]", "pass or set an environment variable"},
    {OPTION_STATUS_FD, 0, "status-fd", "N", "write JSON lines about the run to this descriptor"},
    {OPTION_PLAN, 0, "plan", NULL, "print what the run would see and obey, start nothing"},
    {OPTION_JSON, 0, "json", NULL, "with --plan: one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};

const struct command_table run_command = {
    .name = "failcore run",
    .synopsis = "[OPTION]... -- CMD [ARG]...",
    .summary = "runs a command so that unsafe actions cannot happen",
    .examples = "  failcore run --policy safe -- make test\n"
                "  failcore run --policy ./agent.yaml --workspace ~/project -- claude\n",
    .options = rows,
    .option_count = sizeof(rows) / sizeof(rows[0]),
};

static int refuse(struct failure *reterr, const char *what, const char *value)
{
    failure_set(reterr, -EINVAL, "%s: %s", what, value);
    failure_set_mend(reterr, "%s --help", run_command.name);
    return -EINVAL;
}

static int parse_status_fd(const char *text, int *ret_fd, struct failure *reterr)
{
    char *end;
    long fd;

    errno = 0;
    fd = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || !isdigit((unsigned char)*text) ||
        fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0) {
        return refuse(reterr, "--status-fd wants an open descriptor", text);
    }
    *ret_fd = (int)fd;
    return 0;
}

/* It becomes part of file names and of lines that others parse. */
static int check_name(const char *name, struct failure *reterr)
{
    size_t length = strlen(name);

    if (length == 0 || length > 64) {
        return refuse(reterr, "--name wants 1 to 64 characters", name);
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL) {
            return refuse(reterr, "--name wants letters, digits, '.', '_' and '-'", name);
        }
    }
    return 0;
}

static int check_env(const char *setting, struct failure *reterr)
{
    if (setting[0] == '\0' || setting[0] == '=') {
        return refuse(reterr, "--env wants NAME or NAME=VALUE", setting);
    }
    return 0;
}

static int take_option(int id, const char *argument, struct run_options *options,
                       struct failure *reterr)
{
    switch (id) {
    case OPTION_POLICY:
        if (options->policy_count == RUN_POLICIES_MAX) {
            return refuse(reterr, "too many policies", argument);
        }
        options->policies[options->policy_count++] = argument;
        return 0;
    case OPTION_WORKSPACE:
        options->workspace = argument;
        return 0;
    case OPTION_MOUNT:
        options->mount = argument;
        return 0;
    case OPTION_AUDIT:
        options->audit = argument;
        return 0;
    case OPTION_NAME:
        options->name = argument;
        return check_name(argument, reterr);
    case OPTION_UPLINK:
        options->uplink = argument;
        return argument[0] == '\0' ? refuse(reterr, "--uplink wants a word", argument) : 0;
    case OPTION_NO_NET:
        options->no_net = true;
        return 0;
    case OPTION_NO_REPORT:
        options->no_report = true;
        return 0;
    case OPTION_SHADOW:
        options->shadow = true;
        return 0;
    case OPTION_STRICT:
        options->strict = true;
        return 0;
    case OPTION_ENV:
        if (options->environment_count == RUN_ENV_MAX) {
            return refuse(reterr, "too many --env", argument);
        }
        options->environment[options->environment_count++] = argument;
        return check_env(argument, reterr);
    case OPTION_STATUS_FD:
        return parse_status_fd(argument, &options->status_fd, reterr);
    case OPTION_PLAN:
        options->plan = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_HELP:
        options->help = true;
        return 0;
    default:
        return refuse(reterr, "internal: an option without a meaning", argument);
    }
}

int run_options_parse(int argc, char **argv, struct run_options *ret_options,
                      struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&run_command, argc, argv);
    struct run_options options = {.status_fd = -1};
    int id;

    while ((id = option_scan_next(&scan, reterr)) > 0) {
        if (take_option(id, scan.argument, &options, reterr) < 0) {
            return -EINVAL;
        }
    }
    if (id < 0) {
        return id;
    }
    options.argc = argc - scan.next;
    options.argv = argv + scan.next;
    if (options.argc == 0 && !options.help && !options.plan) {
        failure_set(reterr, -EINVAL, "no command");
        failure_set_mend(reterr, "failcore run [OPTION]... -- CMD [ARG]...");
        return -EINVAL;
    }
    if (options.no_net && options.uplink != NULL) {
        failure_set(reterr, -EINVAL, "--no-net and --uplink exclude each other");
        failure_set_mend(reterr, "leave one of them out");
        return -EINVAL;
    }
    *ret_options = options;
    return 0;
}
