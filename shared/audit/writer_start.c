#include "shared/audit/writer_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/program_path.h"
#include "shared/base/text_buffer.h"

#define WRITER_PROGRAM "failcore-auditd"
#define CONNECT_TRIES  500 /* of 10 ms: another starter's writer may take a while to recover */

/* Whoever can bind the socket's name must not be able to pass for the writer. */
static int check_peer(int socket, const char *directory, struct failure *reterr)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    struct stat status;

    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
        stat(directory, &status) < 0) {
        return failure_set(reterr, -errno, "cannot look at the audit log's writer: %s",
                           strerror(errno));
    }
    if (peer.uid != geteuid() && peer.uid != 0 && peer.uid != status.st_uid) {
        failure_set_mend(reterr, "remove %s.writer, or choose a directory of your own", directory);
        return failure_set(reterr, -EACCES, "the writer of %s belongs to another user", directory);
    }
    return 0;
}

static int try_connect(const char *directory, struct failure *reterr)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    AUTO_CLOSE int parent = -1;
    struct sockaddr_un address;
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = audit_socket_address(directory, &address, &parent);
    if (error < 0) {
        return error;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        return -errno;
    }
    error = check_peer(fd, directory, reterr);
    return error < 0 ? error : take_fd(&fd);
}

#define ENVIRONMENT_MAX 4

/* Where the writer finds its key (state_directory.h); nothing else of the starter's. */
static void keep_environment(char *ret_kept[static ENVIRONMENT_MAX])
{
    static const char *const names[] = {"FAILCORE_STATE=", "XDG_STATE_HOME=", "HOME="};
    size_t count = 0;

    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
            if (strncmp(*entry, names[n], strlen(names[n])) == 0) {
                ret_kept[count++] = *entry;
                break;
            }
        }
    }
    ret_kept[count] = NULL;
}

static int spawn(const char *program, const char *directory, int errors, pid_t *ret_pid)
{
    AUTO_FREE char *operand = strdup(directory);
    char *const argv[] = {(char[]){WRITER_PROGRAM}, operand, NULL};
    char *environment[ENVIRONMENT_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    int error;

    keep_environment(environment);
    sigemptyset(&none);
    sigfillset(&all);
    if (operand == NULL || posix_spawn_file_actions_init(&actions) != 0) {
        return -ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    /* Numbers are positive errors here, as posix_spawn(3) has them. */
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    }
    if (error == 0) {
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETSID);
        error = posix_spawn(ret_pid, program, &actions, &attributes, argv, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* The rest of a line that begins so, or NULL. */
static const char *line_behind(const char *line, const char *beginning)
{
    size_t length = strlen(beginning);

    return strncmp(line, beginning, length) == 0 ? line + length : NULL;
}

/* What failure_print() of the writer said, as the failure that it was. */
static int pass_on(char *said, struct failure *reterr)
{
    char *rest = NULL;

    for (char *line = strtok_r(said, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *what = line_behind(line, WRITER_PROGRAM ": ");
        const char *needed = line_behind(line, "  needed by: ");
        const char *mend = line_behind(line, "  try: ");

        if (needed != NULL) {
            failure_set_needed(reterr, "%s", needed);
        } else if (mend != NULL) {
            failure_set_mend(reterr, "%s", mend);
        } else {
            failure_set(reterr, -EIO, "%s", what != NULL ? what : line);
        }
    }
    return failure_set(reterr, -EIO, "failcore-auditd ended without a word");
}

/* Returns when the writer serves, or has said why it cannot, or has seen that another one does. */
static int start_writer(const char *directory, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer said = {0};
    AUTO_CLOSE int read_end = -1;
    AUTO_CLOSE int write_end = -1;
    char program[PATH_MAX];
    int ends[2];
    pid_t pid = 0;
    int error = program_path_sibling(WRITER_PROGRAM, program);

    if (error < 0) {
        failure_set_mend(reterr, "install failcore-auditd beside the other programs");
        return failure_set(reterr, error, "cannot find failcore-auditd: %s", strerror(-error));
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return failure_set(reterr, -errno, "cannot start failcore-auditd: %s", strerror(errno));
    }
    read_end = ends[0];
    write_end = ends[1];
    error = spawn(program, directory, write_end, &pid);
    if (error < 0) {
        return failure_set(reterr, error, "cannot start %s: %s", program, strerror(-error));
    }
    close_fd(&write_end);
    /* It puts itself into the background: its first process, and the pipe, end when it serves. */
    error = read_to_end(read_end, 4096, &said);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    if (error == 0 && said.length > 0) {
        AUTO_FREE char *words = text_buffer_take(&said);

        return pass_on(words, reterr);
    }
    return 0;
}

int writer_connect(const char *directory, struct failure *reterr)
{
    int fd = try_connect(directory, reterr);

    for (unsigned int tries = 0; (fd == -ENOENT || fd == -ECONNREFUSED) && tries < CONNECT_TRIES;
         tries++) {
        const struct timespec pause = {.tv_nsec = 10000000};

        if (tries % 20 == 0) {
            int error = start_writer(directory, reterr);

            if (error < 0) {
                return error;
            }
        } else {
            nanosleep(&pause, NULL);
        }
        fd = try_connect(directory, reterr);
    }
    return fd;
}
