/* The options of `failcore run` (CONTRACT: "Programs"). */
#ifndef FAILCORE_CLI_RUN_OPTIONS_H
#define FAILCORE_CLI_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/failure.h"
#include "shared/base/option_table.h"

#define RUN_POLICIES_MAX 32
#define RUN_ENV_MAX      128

struct run_options {
    const char *policies[RUN_POLICIES_MAX];
    size_t policy_count;
    const char *workspace; /* NULL: the current directory */
    const char *mount;     /* NULL: the workspace's own path */
    const char *audit;     /* NULL: the default */
    const char *name;      /* NULL: none */
    const char *uplink;    /* NULL: the guard's default */
    bool no_net;
    bool no_report;
    bool shadow;
    bool strict;
    bool plan;
    bool json;
    bool help;
    int status_fd; /* -1: none */
    const char *environment[RUN_ENV_MAX];
    size_t environment_count;
    int argc; /* of the command */
    char **argv;
};

extern const struct command_table run_command;

/* -EINVAL with reterr filled. */
int run_options_parse(int argc, char **argv, struct run_options *ret_options,
                      struct failure *reterr);

#endif
