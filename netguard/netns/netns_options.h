/* The command line that create and exec share. */
#ifndef FAILCORE_NETGUARD_NETNS_NETNS_OPTIONS_H
#define FAILCORE_NETGUARD_NETNS_NETNS_OPTIONS_H

#include <stdbool.h>

#include "netguard/netns/netns_start.h"
#include "shared/base/option_table.h"

struct netns_options {
    const char *name;
    struct netns_settings settings;
    char **command; /* exec: what follows the options; its end is NULL */
    bool store;     /* create: for the guard of a service, which the service manager starts */
    bool help;
};

/* argv[0] is the verb. `wants_command`: exec. -EINVAL with reterr filled. */
int netns_options_read(const struct command_table *command, int argc, char **argv,
                       bool wants_command, struct netns_options *ret_options,
                       struct failure *reterr);

extern const struct command_table netns_create_command;
extern const struct command_table netns_exec_command;

#endif
