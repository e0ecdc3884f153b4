/* failcore stop and failcore kill: the end of a run, asked for or made. */
#include <stdio.h>

#include "cli/run/live_runs.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/option_table.h"

#define STOP_TIMEOUT_MS 15000 /* the supervisor itself kills after ten seconds */
#define KILL_TIMEOUT_MS 900

static const struct option_row options[] = {{1, 'h', "help", NULL, "this text"}};

static const struct command_table stop_command = {
    .name = "failcore stop",
    .synopsis = "RUN...",
    .summary = "asks runs to end: SIGTERM, and after ten seconds the kill",
    .options = options,
    .option_count = 1,
};
static const struct command_table kill_command = {
    .name = "failcore kill",
    .synopsis = "RUN...",
    .summary = "ends runs now, whatever they do",
    .options = options,
    .option_count = 1,
};

static int end_runs(const struct command_table *command, int argc, char **argv, const char *word,
                    int timeout_ms)
{
    struct option_scan scan = option_scan_init(command, argc, argv);
    struct failure failure = {0};
    int id = option_scan_next(&scan, &failure);
    int result = EXIT_CODE_OK;

    if (id > 0) {
        command_table_print_help(stdout, command);
        return EXIT_CODE_OK;
    }
    if (id == 0 && scan.next >= argc) {
        failure_set(&failure, -1, "which run?");
        failure_set_mend(&failure, "failcore ps lists them");
        id = -1;
    }
    if (id < 0) {
        failure_print(stderr, command->name, &failure);
        return EXIT_CODE_USAGE;
    }
    for (int i = scan.next; i < argc; i++) {
        AUTO(live_run_clear) struct live_run run = {0};
        struct failure why = {0};

        if (live_run_find(argv[i], &run, &why) < 0 ||
            live_run_end(&run, word, timeout_ms, &why) < 0) {
            failure_print(stderr, command->name, &why);
            result = EXIT_CODE_FAILCORE_FAILED;
        }
    }
    return result;
}

int verb_stop(int argc, char **argv)
{
    return end_runs(&stop_command, argc, argv, "stop", STOP_TIMEOUT_MS);
}

int verb_kill(int argc, char **argv)
{
    return end_runs(&kill_command, argc, argv, "kill", KILL_TIMEOUT_MS);
}
