#include "netguard/netns/netns_verbs.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netguard/control.h"
#include "netguard/netns/netns_exec.h"
#include "netguard/netns/netns_file.h"
#include "netguard/netns/netns_options.h"
#include "netguard/netns/netns_place.h"
#include "netguard/netns/netns_status.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/confine/process_handle.h"

#define STOP_WAIT_MS 5000

static int report(const char *program, const struct failure *failure, int code)
{
    failure_print(stderr, program, failure);
    return code;
}

/* The policy is the one thing here that has an exit code of its own. */
static int code_for(int error)
{
    return error == -EINVAL ? EXIT_CODE_POLICY_INVALID : EXIT_CODE_FAILCORE_FAILED;
}

int netns_create_verb(int argc, char **argv)
{
    AUTO(netns_file_clear) struct netns_file file = {.arena = {0}};
    struct netns_options options;
    struct failure failure = {0};
    int error = netns_options_read(&netns_create_command, argc, argv, false, &options, &failure);

    if (error < 0) {
        return report(netns_create_command.name, &failure, EXIT_CODE_USAGE);
    }
    if (options.help) {
        command_table_print_help(stdout, &netns_create_command);
        return EXIT_CODE_OK;
    }
    error = netns_file_complete(options.name, &file, &options.settings, &failure);
    if (error == 0) {
        error = options.store ? netns_store(options.name, &options.settings, &failure)
                              : netns_start(options.name, &options.settings, &failure);
    }
    return error < 0 ? report(netns_create_command.name, &failure, code_for(error)) : EXIT_CODE_OK;
}

int netns_exec_verb(int argc, char **argv)
{
    AUTO(netns_file_clear) struct netns_file file = {.arena = {0}};
    struct netns_options options;
    struct failure failure = {0};
    int code, error = netns_options_read(&netns_exec_command, argc, argv, true, &options, &failure);

    if (error < 0) {
        return report(netns_exec_command.name, &failure, EXIT_CODE_USAGE);
    }
    if (options.help) {
        command_table_print_help(stdout, &netns_exec_command);
        return EXIT_CODE_OK;
    }
    error = netns_file_complete(options.name, &file, &options.settings, &failure);
    if (error == 0) {
        error = netns_start(options.name, &options.settings, &failure);
    }
    if (error < 0) {
        return report(netns_exec_command.name, &failure, code_for(error));
    }
    code = netns_exec(options.name, options.settings.user, options.command, &failure);
    return failure.what[0] != '\0' ? report(netns_exec_command.name, &failure, code) : code;
}

/* The options of the verbs that take only a name, or nothing. */
enum { OPTION_JSON = 1, OPTION_HELP };
static const struct option_row json_and_help[] = {
    {OPTION_JSON, 0, "json", NULL, "one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table status_command = {
    .name = "failcore-netns status",
    .synopsis = "[--json] NAME",
    .summary = "what a network's guard is doing",
    .options = json_and_help,
    .option_count = 2,
};
static const struct command_table list_command = {
    .name = "failcore-netns list",
    .synopsis = "[OPTIONS]",
    .summary = "the guarded networks of this user, each with open, dead or silent",
    .options = &json_and_help[1],
    .option_count = 1,
};
static const struct command_table reload_command = {
    .name = "failcore-netns reload",
    .synopsis = "NAME",
    .summary = "reads a network's policies again; live flows are judged once more",
    .options = &json_and_help[1],
    .option_count = 1,
};
static const struct command_table resume_command = {
    .name = "failcore-netns resume",
    .synopsis = "NAME",
    .summary = "lets a network go on after its circuit breaker has tripped",
    .options = &json_and_help[1],
    .option_count = 1,
};
static const struct command_table delete_command = {
    .name = "failcore-netns delete",
    .synopsis = "NAME",
    .summary = "ends a guarded network and all that it had",
    .options = &json_and_help[1],
    .option_count = 1,
};

/*
 * Reads the options in front of the name and behind it. Returns the number of operands (the last
 * in *ret_name), which must be `wanted`; 0 with *ret_help set when help was printed; or -EINVAL
 * after saying why.
 */
static int read_simple(const struct command_table *command, int argc, char **argv, int wanted,
                       const char **ret_name, bool *ret_help, bool *ret_json)
{
    struct option_scan scan = option_scan_init(command, argc, argv);
    struct failure failure = {0};
    int id = 0, operands = 0;

    while (scan.next < argc && id == 0) {
        while ((id = option_scan_next(&scan, &failure)) > 0) {
            if (id == OPTION_HELP) {
                command_table_print_help(stdout, command);
                *ret_help = true;
                return 0;
            }
            *ret_json = true;
        }
        if (id == 0 && scan.next < argc) {
            *ret_name = argv[scan.next++];
            operands++;
        }
    }
    if (id == 0 && operands != wanted) {
        id = failure_set(&failure, -EINVAL, "%s",
                         operands < wanted ? "the name is missing" : "too many words");
        failure_set_mend(&failure, "%s --help", command->name);
    }
    if (id < 0) {
        failure_print(stderr, command->name, &failure);
        return -EINVAL;
    }
    return operands;
}

int netns_status_verb(int argc, char **argv)
{
    struct failure failure = {0};
    const char *name = NULL;
    bool help = false, json = false;

    if (read_simple(&status_command, argc, argv, 1, &name, &help, &json) < 0) {
        return EXIT_CODE_USAGE;
    }
    if (help) {
        return EXIT_CODE_OK;
    }
    if (!netns_name_is_valid(name)) {
        failure_set(&failure, -EINVAL, "not the name of a network: %s", name);
        failure_set_mend(&failure, "failcore-netns list");
        return report(status_command.name, &failure, EXIT_CODE_USAGE);
    }
    return netns_status_print(name, json, &failure) < 0
               ? report(status_command.name, &failure, EXIT_CODE_FAILCORE_FAILED)
               : EXIT_CODE_OK;
}

static int list_networks(void)
{
    struct failure failure = {0};
    char path[200];
    AUTO_CLOSE int root = netns_root_open(path, &failure);
    AUTO_CLOSEDIR DIR *directory = root < 0 ? NULL : fdopendir(dup(root));
    struct dirent *entry;

    if (directory == NULL) {
        failure_set(&failure, -EIO, "cannot read %s", path);
        return report(list_command.name, &failure, EXIT_CODE_FAILCORE_FAILED);
    }
    while ((entry = readdir(directory)) != NULL) {
        AUTO_CLOSE int socket = -1;

        if (!netns_name_is_valid(entry->d_name)) {
            continue;
        }
        socket = netns_connect(entry->d_name, &failure);
        printf("%s %s\n", entry->d_name,
               socket >= 0         ? "open"
               : socket == -EAGAIN ? "silent"
                                   : "dead");
    }
    return EXIT_CODE_OK;
}

int netns_list_verb(int argc, char **argv)
{
    const char *name = NULL;
    bool help = false, json = false;

    if (read_simple(&list_command, argc, argv, 0, &name, &help, &json) < 0) {
        return EXIT_CODE_USAGE;
    }
    return help ? EXIT_CODE_OK : list_networks();
}

/* A verb that is said to one network. */
static int speak_to(const struct command_table *command, int argc, char **argv,
                    int (*say)(const char *name, struct failure *reterr))
{
    struct failure failure = {0};
    const char *name = NULL;
    bool help = false, json = false;
    int error;

    if (read_simple(command, argc, argv, 1, &name, &help, &json) < 0) {
        return EXIT_CODE_USAGE;
    }
    if (help) {
        return EXIT_CODE_OK;
    }
    if (!netns_name_is_valid(name)) {
        failure_set(&failure, -EINVAL, "not the name of a network: %s", name);
        failure_set_mend(&failure, "failcore-netns list");
        return report(command->name, &failure, EXIT_CODE_USAGE);
    }
    error = say(name, &failure);
    return error < 0 ? report(command->name, &failure, code_for(error)) : EXIT_CODE_OK;
}

int netns_reload_verb(int argc, char **argv)
{
    return speak_to(&reload_command, argc, argv, netns_reload);
}

int netns_resume_verb(int argc, char **argv)
{
    return speak_to(&resume_command, argc, argv, netns_resume);
}

/* Asks it to stop, waits, and kills what does not. The namespaces go with the process. */
static int stop_guard(int socket, struct failure *reterr)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    AUTO_CLOSE int handle = -1;
    int error;

    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        return failure_set(reterr, -errno, "cannot tell who the guard is: %s", strerror(errno));
    }
    handle = process_handle_open(peer.pid);
    if (handle < 0) {
        return 0; /* it has gone */
    }
    if (send(socket, "stop", 4, MSG_NOSIGNAL) == 4 &&
        process_handle_wait(handle, STOP_WAIT_MS) == 0) {
        return 0;
    }
    error = process_handle_signal(handle, SIGKILL);
    if (error == 0) {
        error = process_handle_wait(handle, STOP_WAIT_MS);
    }
    if (error < 0 && error != -ESRCH) {
        failure_set(reterr, error, "the guard (pid %d) does not end: %s", (int)peer.pid,
                    strerror(-error));
        failure_set_mend(reterr, "kill -9 %d", (int)peer.pid);
        return error;
    }
    return 0;
}

int netns_delete_verb(int argc, char **argv)
{
    AUTO(netns_place_close) struct netns_place place = {.directory = -1, .lock = -1};
    struct failure failure = {0};
    AUTO_CLOSE int socket = -1;
    const char *name = NULL;
    bool help = false, json = false;
    int error;

    if (read_simple(&delete_command, argc, argv, 1, &name, &help, &json) < 0) {
        return EXIT_CODE_USAGE;
    }
    if (help) {
        return EXIT_CODE_OK;
    }
    error = netns_place_open(name, false, &place, &failure);
    if (error == 0) {
        socket = netns_connect(name, &failure);
        if (socket >= 0) {
            error = stop_guard(socket, &failure);
        } else if (socket != -ENOENT && socket != -ECONNREFUSED) {
            error = netns_explain(name, socket, &failure); /* it lives, and must not be forgotten */
        }
    }
    if (error < 0) {
        return report(delete_command.name, &failure,
                      error == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILCORE_FAILED);
    }
    netns_place_remove(&place);
    return EXIT_CODE_OK;
}
