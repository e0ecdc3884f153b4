/* The command line of a verb that has words, --json and --help, and nothing else. */
#ifndef FAILCORE_CLI_JSON_CALL_H
#define FAILCORE_CLI_JSON_CALL_H

#include <stdbool.h>

#include "shared/base/option_table.h"

#define JSON_CALL_GO_ON (-1)

struct json_call {
    bool json;
    char **words;
    int count;
};

/* One table of options for all of them. */
extern const struct option_row json_call_options[2];

/* JSON_CALL_GO_ON, or the exit code after printing help or what is wrong. */
int json_call_scan(const struct command_table *command, int argc, char **argv, int least, int most,
                   struct json_call *ret_call);

#endif
