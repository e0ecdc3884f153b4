#include "fusefs/mount_options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
    OPTION_HELP = 1,
    OPTION_VERSION,
    OPTION_POLICY,
    OPTION_AUDIT,
    OPTION_PROFILE,
    OPTION_STRICT,
    OPTION_PASSTHROUGH,
    OPTION_FOREGROUND,
    OPTION_O,
    OPTION_UNMOUNT,
    OPTION_RELOAD,
    OPTION_RESUME,
    OPTION_RUN,
    OPTION_SESSION_FD,
    OPTION_SOURCE_FD,
    OPTION_POLICY_FD,
    OPTION_READY_FD,
    OPTION_SUPERVISOR_FD,
    OPTION_BREAKER_FD,
    OPTION_BREAKER_ALARM_FD,
    OPTION_OWNER_SHOWN_AS,
    OPTION_SHOWN_AT,
    OPTION_PREPARE,
    OPTION_STORED,
    OPTION_HOST_NAMESPACE,
};

static const struct option_row rows[] = {
    {OPTION_POLICY, 'p', "policy", "NAME|FILE", "obey this policy; several are merged"},
    {OPTION_AUDIT, 0, "audit", "DIR", "record in this directory"},
    {OPTION_PROFILE, 0, "profile", "agent|shared",
     "agent: one user, the owner of SOURCE; shared: several users (default for root)"},
    {OPTION_PASSTHROUGH, 0, "passthrough", NULL,
     "the kernel carries the data of open files; what is open outlives a killed server"},
    {OPTION_STRICT, 0, "strict", NULL, "the kernel caches nothing: every look is judged, recorded"},
    {OPTION_FOREGROUND, 'f', "foreground", NULL, "stay in front"},
    {OPTION_O, 'o', "options", "OPT,...", "xattr, noxattr: serve extended attributes or none"},
    {OPTION_UNMOUNT, 'u', "unmount", NULL, "unmount MOUNTPOINT"},
    {OPTION_RELOAD, 0, "reload", NULL, "load the policy of MOUNTPOINT again (as SIGHUP does)"},
    {OPTION_RESUME, 0, "resume", NULL, "let MOUNTPOINT go on after its breaker has tripped"},
    {OPTION_HELP, 'h', "help", NULL, "show this"},
    {OPTION_VERSION, 0, "version", NULL, "show the version"},
    {OPTION_RUN, 0, "run", "ID", NULL},
    {OPTION_SESSION_FD, 0, "session-fd", "N", NULL},
    {OPTION_SOURCE_FD, 0, "source-fd", "N", NULL},
    {OPTION_POLICY_FD, 0, "policy-fd", "N", NULL},
    {OPTION_READY_FD, 0, "ready-fd", "N", NULL},
    {OPTION_SUPERVISOR_FD, 0, "supervisor-fd", "N", NULL},
    {OPTION_BREAKER_FD, 0, "breaker-fd", "N", NULL},
    {OPTION_BREAKER_ALARM_FD, 0, "breaker-alarm-fd", "N", NULL},
    {OPTION_OWNER_SHOWN_AS, 0, "owner-shown-as", "UID:GID", NULL},
    {OPTION_SHOWN_AT, 0, "shown-at", "PATH", NULL},
    {OPTION_PREPARE, 0, "prepare", NULL, NULL},
    {OPTION_STORED, 0, "stored-session", NULL, NULL},
    {OPTION_HOST_NAMESPACE, 0, "host-namespace", NULL, NULL},
};

const struct command_table *mount_command(void)
{
    static const struct command_table table = {
        .name = "failcore-mount",
        .synopsis = "[OPTIONS] SOURCE MOUNTPOINT",
        .summary = "Shows the directory SOURCE at MOUNTPOINT, every operation judged by a policy.",
        .examples = "  failcore-mount --policy fs_sandbox ./work /mnt/agent\n"
                    "  failcore-mount --unmount /mnt/agent\n",
        .options = rows,
        .option_count = sizeof(rows) / sizeof(rows[0]),
    };

    return &table;
}

static int bad_argument(struct failure *reterr, const char *option, const char *argument,
                        const char *wanted)
{
    failure_set(reterr, -EINVAL, "--%s does not take '%s'", option, argument);
    failure_set_mend(reterr, "%s", wanted);
    return -EINVAL;
}

static int parse_id(const char *text, unsigned long limit, unsigned long *ret_id, const char **rest)
{
    char *end;

    if (*text < '0' || *text > '9') {
        return -EINVAL;
    }
    errno = 0;
    *ret_id = strtoul(text, &end, 10);
    *rest = end;
    return errno != 0 || *ret_id > limit ? -EINVAL : 0;
}

static int parse_fd(const char *option, const char *text, int *ret_fd, struct failure *reterr)
{
    unsigned long fd = 0;
    const char *rest = "";

    if (parse_id(text, INT_MAX, &fd, &rest) < 0 || *rest != '\0') {
        return bad_argument(reterr, option, text, "give the number of an open descriptor");
    }
    *ret_fd = (int)fd;
    return 0;
}

static int parse_owner(const char *text, struct mount_options *options, struct failure *reterr)
{
    unsigned long uid = 0;
    unsigned long gid = 0;
    const char *rest = "";

    if (parse_id(text, UINT_MAX - 1, &uid, &rest) < 0 || *rest != ':' ||
        parse_id(rest + 1, UINT_MAX - 1, &gid, &rest) < 0 || *rest != '\0') {
        return bad_argument(reterr, "owner-shown-as", text, "give two numbers: UID:GID");
    }
    options->owner_is_shown = true;
    options->shown_uid = (uid_t)uid;
    options->shown_gid = (gid_t)gid;
    return 0;
}

static int parse_o(char *text, struct mount_options *options, struct failure *reterr)
{
    char *rest = text;
    const char *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        if (strcmp(word, "xattr") == 0) {
            options->attributes = true;
        } else if (strcmp(word, "noxattr") == 0) {
            options->attributes = false;
        } else if (strcmp(word, "lazy") == 0) {
            options->lazily = true;
        } else {
            return bad_argument(reterr, "o", word, "known: xattr, noxattr; lazy with --unmount");
        }
    }
    return 0;
}

static int take_option(int id, const char *argument, struct mount_options *options,
                       char **ret_late_o, struct failure *reterr)
{
    switch ((enum option_id)id) {
    case OPTION_HELP:
        options->action = MOUNT_HELP;
        return 0;
    case OPTION_VERSION:
        options->action = MOUNT_VERSION;
        return 0;
    case OPTION_UNMOUNT:
        options->action = MOUNT_UNMOUNT;
        return 0;
    case OPTION_RELOAD:
        options->action = MOUNT_RELOAD;
        return 0;
    case OPTION_RESUME:
        options->action = MOUNT_RESUME;
        return 0;
    case OPTION_POLICY:
        if (options->policy_count == MOUNT_POLICIES_MAX) {
            return bad_argument(reterr, "policy", argument, "merge some of them: too many");
        }
        options->policies[options->policy_count++] = argument;
        return 0;
    case OPTION_AUDIT:
        options->audit = argument;
        return 0;
    case OPTION_PROFILE:
        options->profile_set = true;
        options->shared = strcmp(argument, "shared") == 0;
        if (!options->shared && strcmp(argument, "agent") != 0) {
            return bad_argument(reterr, "profile", argument, "known: agent, shared");
        }
        return 0;
    case OPTION_STRICT:
        options->strict = true;
        return 0;
    case OPTION_PASSTHROUGH:
        options->passthrough = true;
        return 0;
    case OPTION_FOREGROUND:
        options->foreground = true;
        return 0;
    case OPTION_O:
        *ret_late_o = strdup(argument);
        return *ret_late_o == NULL ? -ENOMEM : 0;
    case OPTION_RUN:
        options->run = argument;
        return 0;
    case OPTION_SOURCE_FD:
        return parse_fd("source-fd", argument, &options->source_fd, reterr);
    case OPTION_SESSION_FD:
        return parse_fd("session-fd", argument, &options->session_fd, reterr);
    case OPTION_POLICY_FD:
        return parse_fd("policy-fd", argument, &options->policy_fd, reterr);
    case OPTION_READY_FD:
        return parse_fd("ready-fd", argument, &options->ready_fd, reterr);
    case OPTION_SUPERVISOR_FD:
        return parse_fd("supervisor-fd", argument, &options->supervisor_fd, reterr);
    case OPTION_BREAKER_FD:
        return parse_fd("breaker-fd", argument, &options->breaker_fd, reterr);
    case OPTION_BREAKER_ALARM_FD:
        return parse_fd("breaker-alarm-fd", argument, &options->breaker_alarm_fd, reterr);
    case OPTION_OWNER_SHOWN_AS:
        return parse_owner(argument, options, reterr);
    case OPTION_SHOWN_AT:
        options->shown_at = argument;
        return 0;
    case OPTION_PREPARE:
        options->action = MOUNT_PREPARE;
        return 0;
    case OPTION_STORED:
        options->stored = true;
        return 0;
    case OPTION_HOST_NAMESPACE:
        options->host_namespace = true;
        return 0;
    }
    return -EINVAL;
}

#define OPERANDS_MAX 2

struct operands {
    const char *words[OPERANDS_MAX];
    int count; /* may pass the maximum: then there were too many */
};

static int take_operands(const struct operands *operands, struct mount_options *options,
                         struct failure *reterr)
{
    const bool has_source = options->action == MOUNT_SERVE || options->action == MOUNT_PREPARE;
    const int wanted = !has_source || options->session_fd >= 0 ? 1 : 2;

    if (operands->count != wanted) {
        failure_set(reterr, -EINVAL, "%s",
                    operands->count < wanted ? "SOURCE or MOUNTPOINT is missing"
                                             : "too many words");
        failure_set_mend(reterr, "failcore-mount --help");
        return -EINVAL;
    }
    if (!has_source) {
        options->mountpoint = operands->words[0];
        return 0;
    }
    options->source = operands->words[0];
    if (options->stored) {
        options->watched = operands->words[1];
    } else if (wanted == 2) {
        options->mountpoint = operands->words[1];
    }
    return 0;
}

/* The next option; operands on the way are collected, so that options may follow them. */
static int next_option(struct option_scan *scan, struct operands *operands, struct failure *reterr)
{
    for (;;) {
        int r = option_scan_next(scan, reterr);

        if (r != 0 || scan->next >= scan->argc) {
            return r;
        }
        if (operands->count < OPERANDS_MAX) {
            operands->words[operands->count] = scan->argv[scan->next];
        }
        operands->count++;
        scan->next++;
    }
}

int mount_options_parse(int argc, char **argv, struct mount_options *ret_options,
                        struct failure *reterr)
{
    struct option_scan scan = option_scan_init(mount_command(), argc, argv);
    struct mount_options options = {
        .session_fd = -1,
        .source_fd = -1,
        .policy_fd = -1,
        .ready_fd = -1,
        .supervisor_fd = -1,
        .breaker_fd = -1,
        .breaker_alarm_fd = -1,
    };
    struct operands operands = {0};
    char *late_o = NULL;
    int r;

    while ((r = next_option(&scan, &operands, reterr)) > 0) {
        r = take_option(r, scan.argument, &options, &late_o, reterr);
        if (r < 0) {
            break;
        }
    }
    if (r == 0 && options.action != MOUNT_HELP && options.action != MOUNT_VERSION) {
        r = take_operands(&operands, &options, reterr);
    }
    if (!options.profile_set) {
        options.shared = geteuid() == 0 && options.session_fd < 0 && !options.stored &&
                         options.action != MOUNT_PREPARE;
    }
    /* The agent profile goes without: a request less for each file that is written. */
    options.attributes = options.shared;
    if (r == 0 && late_o != NULL) {
        r = parse_o(late_o, &options, reterr);
    }
    free(late_o);
    if (r == 0 && options.policy_fd >= 0 && options.policy_count > 0) {
        r = bad_argument(reterr, "policy", options.policies[0],
                         "leave out --policy or --policy-fd");
    }
    if (r == 0 && options.shared && options.owner_is_shown) {
        r = bad_argument(reterr, "profile", "shared",
                         "owners are shown otherwise only to an agent");
    }
    if (r < 0) {
        return r;
    }
    *ret_options = options;
    return 0;
}
