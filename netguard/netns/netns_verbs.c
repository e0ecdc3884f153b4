#include "netguard/netns/netns_verbs.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netguard/control.h"
#include "netguard/netns/netns_exec.h"
#include "netguard/netns/netns_options.h"
#include "netguard/netns/netns_place.h"
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
    error = netns_start(options.name, &options.settings, &failure);
    return error < 0 ? report(netns_create_command.name, &failure, code_for(error)) : EXIT_CODE_OK;
}

int netns_exec_verb(int argc, char **argv)
{
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
    error = netns_start(options.name, &options.settings, &failure);
    if (error < 0) {
        return report(netns_exec_command.name, &failure, code_for(error));
    }
    code = netns_exec(options.name, options.command, &failure);
    return failure.what[0] != '\0' ? report(netns_exec_command.name, &failure, code) : code;
}

/* Asks a running guard and prints what it says. */
static int print_status(const char *name, struct failure *reterr)
{
    AUTO_CLOSE int socket = netns_connect(name, reterr);
    AUTO_FREE char *answer = malloc(CONTROL_ANSWER_MAX);
    ssize_t count = -1;

    if (socket >= 0 && answer != NULL && send(socket, "status", 6, MSG_NOSIGNAL) == 6) {
        count = recv(socket, answer, CONTROL_ANSWER_MAX, 0);
    }
    if (count <= 0) {
        failure_set(reterr, -ENOENT, "there is no network named %s, or its guard is dead", name);
        failure_set_mend(reterr, "failcore-netns create %s", name);
        return -ENOENT;
    }
    fwrite(answer, 1, (size_t)count, stdout);
    return 0;
}

int netns_status_verb(int argc, char **argv)
{
    struct failure failure = {0};

    if (argc == 3 && strcmp(argv[2], "--json") == 0) {
        argc = 2;
    }
    if (argc != 2 || !netns_name_is_valid(argv[1])) {
        failure_set(&failure, -EINVAL, "the name is missing");
        failure_set_mend(&failure, "failcore-netns status NAME [--json]");
        return report("failcore-netns status", &failure, EXIT_CODE_USAGE);
    }
    return print_status(argv[1], &failure) < 0
               ? report("failcore-netns status", &failure, EXIT_CODE_FAILCORE_FAILED)
               : EXIT_CODE_OK;
}

int netns_list_verb(int argc, char **argv)
{
    struct failure failure = {0};
    char path[200];
    AUTO_CLOSE int root = netns_root_open(path, &failure);
    AUTO_CLOSEDIR DIR *directory = root < 0 ? NULL : fdopendir(dup(root));
    struct dirent *entry;

    (void)argc;
    (void)argv;
    if (directory == NULL) {
        failure_set(&failure, -EIO, "cannot read %s", path);
        return report("failcore-netns list", &failure, EXIT_CODE_FAILCORE_FAILED);
    }
    while ((entry = readdir(directory)) != NULL) {
        AUTO_CLOSE int socket = -1;

        if (!netns_name_is_valid(entry->d_name)) {
            continue;
        }
        socket = netns_connect(entry->d_name, &failure);
        printf("%s %s\n", entry->d_name, socket < 0 ? "dead" : "open");
    }
    return EXIT_CODE_OK;
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
    int error;

    if (argc != 2) {
        failure_set(&failure, -EINVAL, "the name is missing");
        failure_set_mend(&failure, "failcore-netns delete NAME");
        return report("failcore-netns delete", &failure, EXIT_CODE_USAGE);
    }
    error = netns_place_open(argv[1], false, &place, &failure);
    if (error == 0) {
        socket = netns_connect(argv[1], &failure);
        error = socket < 0 ? 0 : stop_guard(socket, &failure);
    }
    if (error < 0) {
        return report("failcore-netns delete", &failure,
                      error == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILCORE_FAILED);
    }
    netns_place_remove(&place);
    return EXIT_CODE_OK;
}
