/*
 * failcore-auditd: the one writer of an audit directory.
 *
 *     failcore-auditd [OPTIONS] DIRECTORY
 *
 * Producers start it by themselves. It goes into the background once it serves, and says on
 * standard error why it cannot. Started by a service manager it serves the socket that it was
 * given, and says there that it lives.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auditd/keeper.h"
#include "auditd/server.h"
#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/option_table.h"
#include "shared/base/service_manager.h"

#define LISTENER_NAME "writer" /* FileDescriptorName= of failcore-auditd.socket */

enum {
    OPTION_FOREGROUND = 1,
    OPTION_HELP,
    OPTION_IDLE,
    OPTION_GIVE_UP,
    OPTION_SEGMENT_BYTES,
    OPTION_SEGMENT_SECONDS,
    OPTION_KEEP_BYTES,
    OPTION_KEEP_SECONDS,
    OPTION_RUN_BUDGET,
};
static const struct option_row options[] = {
    {OPTION_FOREGROUND, 'f', "foreground", NULL, "stay in the foreground"},
    {OPTION_IDLE, 0, "idle-exit", "SECONDS", "leave so long after the last producer (default 5)"},
    {OPTION_GIVE_UP, 0, "give-up", "SECONDS",
     "without producers, leave a disk that refuses so late (default 30)"},
    {OPTION_SEGMENT_BYTES, 0, "segment-bytes", "N", "begin a new segment at this size"},
    {OPTION_SEGMENT_SECONDS, 0, "segment-seconds", "N", "or at this age (default 3600)"},
    {OPTION_KEEP_BYTES, 0, "keep-bytes", "N", "most that closed segments may take"},
    {OPTION_KEEP_SECONDS, 0, "keep-seconds", "N", "remove older segments (default 90 days)"},
    {OPTION_RUN_BUDGET, 0, "run-budget", "N",
     "most bytes of records that one run may publish (default: a quarter of the free space, "
     "between "
     "64 MiB and 8 GiB)"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore-auditd",
    .synopsis = "[OPTIONS] DIRECTORY",
    .summary = "the one writer of an audit directory; producers start it by themselves",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct arguments {
    const char *directory;
    uint64_t number[OPTION_RUN_BUDGET + 1]; /* by option */
    bool foreground;
};

static int parse_number(const char *text, uint64_t *ret_number, struct failure *reterr)
{
    char *end;

    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
        *ret_number > INT64_MAX / 1000) {
        return failure_set(reterr, -EINVAL, "not a number: %s", text);
    }
    return 0;
}

static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, &command);
            exit(EXIT_CODE_OK);
        }
        if (id == OPTION_FOREGROUND) {
            arguments->foreground = true;
        } else if (parse_number(scan.argument, &arguments->number[id], &failure) < 0) {
            id = -EINVAL;
            break;
        }
    }
    if (id == 0 && scan.next + 1 != argc) {
        id = failure_set(&failure, -EINVAL, "exactly one directory is wanted");
        failure_set_mend(&failure, "%s --help", command.name);
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return -EINVAL;
    }
    arguments->directory = argv[scan.next];
    return 0;
}

/* Nothing of the starter stays: no descriptors but a listener, no core dumps that hold records. */
static void leave_starter(int listener)
{
    unsigned int first = STDERR_FILENO + 1;

    umask(077);
    if (listener >= 0) {
        if ((unsigned int)listener > first) {
            close_range(first, (unsigned int)listener - 1, 0);
        }
        first = (unsigned int)listener + 1;
    }
    close_range(first, ~0U, 0);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_DUMPABLE, 0);
}

/* The parent leaves at once; the starter waits for the end of its pipe, which is our stderr. */
static int go_to_background(void)
{
    pid_t pid = fork();

    if (pid < 0) {
        return -errno;
    }
    if (pid > 0) {
        _exit(EXIT_CODE_OK);
    }
    return setsid() < 0 ? -errno : 0;
}

/* Another writer that owns the directory will be found by whoever started us. Who was connected to
 * a listener of ours would find nobody: that other one leaves some time after its last producer. */
static int lock(int directory, const char *path, bool is_awaited, struct failure *reterr)
{
    if (flock(directory, LOCK_EX | (is_awaited ? 0 : LOCK_NB)) == 0) {
        return 1;
    }
    return errno == EWOULDBLOCK
               ? 0
               : failure_set(reterr, -errno, "cannot lock %s: %s", path, strerror(errno));
}

static int serve(const struct arguments *arguments, int listener, struct failure *reterr)
{
    int error;
    char path[PATH_MAX];
    AUTO_CLOSE int directory = audit_directory_make(arguments->directory, path, reterr);
    struct server_options server_options = {
        .directory = path,
        .directory_fd = directory,
        .idle_exit_ms = (unsigned int)(arguments->number[OPTION_IDLE] * 1000U),
        .give_up_ms = (unsigned int)(arguments->number[OPTION_GIVE_UP] * 1000U),
        .segment_bytes = arguments->number[OPTION_SEGMENT_BYTES],
        .segment_seconds = arguments->number[OPTION_SEGMENT_SECONDS],
        .keep_bytes = arguments->number[OPTION_KEEP_BYTES],
        .keep_seconds = arguments->number[OPTION_KEEP_SECONDS],
        .run_budget = arguments->number[OPTION_RUN_BUDGET],
        .listener = listener,
        .watchdog_ms = service_manager_watchdog_ms(),
    };

    if (directory < 0) {
        return directory;
    }
    if (chdir("/") < 0) {
        return failure_set(reterr, -errno, "cannot leave the working directory: %s",
                           strerror(errno));
    }
    error = lock(directory, path, listener >= 0, reterr);
    return error <= 0 ? error
                      : keeper_run(&server_options, arguments->foreground, command.name, reterr);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.number = {
                                      [OPTION_IDLE] = 5,
                                      [OPTION_GIVE_UP] = 30,
                                      [OPTION_SEGMENT_BYTES] = 256ULL << 20,
                                      [OPTION_SEGMENT_SECONDS] = 3600,
                                      [OPTION_KEEP_BYTES] = INT64_MAX,
                                      [OPTION_KEEP_SECONDS] = 90ULL * 24 * 3600,
                                  }};
    struct failure failure = {0};

    int listener;

    if (parse_arguments(argc, argv, &arguments) < 0) {
        return EXIT_CODE_USAGE;
    }
    listener = service_manager_take(LISTENER_NAME);
    leave_starter(listener);
    if (!arguments.foreground && go_to_background() < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (serve(&arguments, listener, &failure) < 0) {
        if (failure.what[0] != '\0') { /* else the writer has said it */
            failure_print(stderr, command.name, &failure);
        }
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
