/* failcore stop, kill and resume: what an operator says to live runs. */
#include <stdio.h>

#include "cli/run/live_runs.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/option_table.h"

#define STOP_TIMEOUT_MS 15000 /* the supervisor itself kills after ten seconds */
#define KILL_TIMEOUT_MS 600

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

static const struct command_table resume_command = {
    .name = "failcore resume",
    .synopsis = "RUN...",
    .summary = "lets runs go on after their circuit breaker has tripped",
    .options = options,
    .option_count = 1,
};

/* Each of these is done to one run. */
typedef int run_action(const struct live_run *run, struct failure *reterr);

static int stop_run(const struct live_run *run, struct failure *reterr)
{
    return live_run_end(run, "stop", STOP_TIMEOUT_MS, reterr);
}

static int kill_run(const struct live_run *run, struct failure *reterr)
{
    return live_run_end(run, "kill", KILL_TIMEOUT_MS, reterr);
}

static int for_each_run(const struct command_table *command, int argc, char **argv,
                        run_action *action)
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

        if (live_run_find(argv[i], &run, &why) < 0 || action(&run, &why) < 0) {
            failure_print(stderr, command->name, &why);
            result = EXIT_CODE_FAILCORE_FAILED;
        }
    }
    return result;
}

int verb_stop(int argc, char **argv)
{
    return for_each_run(&stop_command, argc, argv, stop_run);
}

int verb_kill(int argc, char **argv)
{
    return for_each_run(&kill_command, argc, argv, kill_run);
}

int verb_resume(int argc, char **argv)
{
    return for_each_run(&resume_command, argc, argv, live_run_resume);
}
