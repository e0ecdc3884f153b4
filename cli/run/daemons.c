#include "cli/run/daemons.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define START_TIMEOUT_MS 15000

static void add(struct daemon_words *line, const char *option, const char *value)
{
    line->words[line->count++] = option;
    if (value != NULL) {
        line->words[line->count++] = value;
    }
}

static void add_fd(struct daemon_words *line, const char *option, int fd)
{
    add(line, option, "");
    line->fds[line->fd_count++] = fd;
}

static void add_common(struct daemon_words *line, const struct daemon_context *context)
{
    add_fd(line, "--policy-fd", context->policy_fd);
    add_fd(line, "--supervisor-fd", context->supervisor_fd);
    if (context->breaker_fd >= 0) {
        add_fd(line, "--breaker-fd", context->breaker_fd);
        add_fd(line, "--breaker-alarm-fd", context->breaker_alarm_fd);
    }
    add(line, "--audit", context->audit_directory);
}

int guard_call(const char *run, struct waiting_daemons *waiting, struct failure *reterr)
{
    return daemon_call("failcore-netguard", run, &waiting->guard, reterr);
}

int mount_call(const char *run, struct waiting_daemons *waiting, struct failure *reterr)
{
    return daemon_call("failcore-mount", run, &waiting->mount, reterr);
}

void daemons_dismiss(struct waiting_daemons *waiting)
{
    daemon_dismiss(&waiting->guard);
    daemon_dismiss(&waiting->mount);
}

static void take_line(char *to, size_t size, const char *line, const char *prefix)
{
    size_t skip = strlen(prefix);

    if (strncmp(line, prefix, skip) == 0) {
        snprintf(to, size, "%.*s", (int)strcspn(line + skip, "\n"), line + skip);
    }
}

/* The three lines of another program's error. Texts that are none become `what` as they are. */
static void failure_parse(struct failure *failure, const char *program, const char *text)
{
    char prefix[64];

    if (failure->what[0] != '\0') {
        return;
    }
    snprintf(prefix, sizeof(prefix), "%s: ", program);
    take_line(failure->what, sizeof(failure->what), text,
              strncmp(text, prefix, strlen(prefix)) == 0 ? prefix : "");
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        take_line(failure->needed, sizeof(failure->needed), line, "  needed by: ");
        take_line(failure->mend, sizeof(failure->mend), line, "  try: ");
        if (*line == '\0') {
            break;
        }
    }
}

static int not_in_time(const struct daemon *daemon, struct failure *reterr)
{
    failure_set(reterr, -ETIMEDOUT, "%s was not ready within %d s", daemon->name,
                START_TIMEOUT_MS / 1000);
    failure_set_mend(reterr, "failcore doctor");
    return -ETIMEDOUT;
}

/* Readable, or its last writer has gone: either way the next read does not block. */
static int wait_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready;

    do {
        ready = poll(&poll_fd, 1, START_TIMEOUT_MS);
    } while (ready < 0 && errno == EINTR);
    return ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
}

int guard_start(const struct daemon_context *context, struct daemon *ret_guard, int *ret_socket,
                struct failure *reterr)
{
    struct daemon_words line = {.count = 0};
    AUTO_CLOSE int ours = -1;
    AUTO_CLOSE int theirs = -1;
    int error = daemon_sockets(&ours, &theirs, reterr);

    if (error < 0) {
        return error;
    }
    add_common(&line, context);
    add_fd(&line, "--control-fd", theirs);
    if (context->plan->uplink != NULL) {
        add(&line, "--uplink", context->plan->uplink);
    }
    error = daemon_tell(&context->waiting->guard, &line, ret_guard, reterr);
    if (error == 0) {
        *ret_socket = take_fd(&ours);
    }
    return error;
}

/* The next word of the guard, or the three lines of its failure. */
static int hear_guard(const struct daemon *guard, int socket, char *text, size_t size, int *fds,
                      size_t *count, struct failure *reterr)
{
    ssize_t got;

    if (wait_readable(socket) < 0) {
        return not_in_time(guard, reterr);
    }
    got = receive_with_fds(socket, text, size - 1, fds, count);
    if (got <= 0) {
        *count = 0;
        return daemon_ended_early(guard, reterr);
    }
    text[got] = '\0';
    return 0;
}

int guard_receive_namespaces(const struct daemon *guard, int socket,
                             struct guard_namespaces *ret_namespaces, struct failure *reterr)
{
    static const char word[] = "namespaces ";
    struct guard_namespaces namespaces = {.fds = {-1, -1}, .count = 2};
    char text[2048];
    int error =
        hear_guard(guard, socket, text, sizeof(text), namespaces.fds, &namespaces.count, reterr);

    if (error == 0 && (strncmp(text, word, sizeof(word) - 1) != 0 || namespaces.count == 0 ||
                       snprintf(namespaces.resolver, sizeof(namespaces.resolver), "%s",
                                text + sizeof(word) - 1) >= (int)sizeof(namespaces.resolver))) {
        failure_parse(reterr, guard->name, text);
        error = -EIO;
    }
    if (error < 0) {
        for (size_t i = 0; i < namespaces.count; i++) {
            close(namespaces.fds[i]);
        }
        return error;
    }
    *ret_namespaces = namespaces;
    return 0;
}

int guard_wait(const struct daemon *guard, int socket, struct failure *reterr)
{
    char text[2048];
    size_t no_fds = 0;
    int error = hear_guard(guard, socket, text, sizeof(text), NULL, &no_fds, reterr);

    if (error == 0 && strcmp(text, "ready") != 0) {
        failure_parse(reterr, guard->name, text);
        error = -EIO;
    }
    return error;
}

/*
 * Links into the workspace by the name that the run knows it by are made only where that name is
 * nobody's on the host: else whoever follows one there leaves the workspace (SR21).
 */
static bool leads_nowhere(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int mount_start(const struct daemon_context *context, struct daemon *ret_mount, int *ret_socket,
                int *ret_ready_fd, struct failure *reterr)
{
    const struct run_plan *plan = context->plan;
    struct daemon_words line = {.count = 0};
    char owner[32];
    int ends[2];
    AUTO_CLOSE int ready = -1;
    AUTO_CLOSE int their_ready = -1;
    AUTO_CLOSE int ours = -1;
    AUTO_CLOSE int theirs = -1;
    int error = daemon_sockets(&ours, &theirs, reterr);

    if (error < 0) {
        return error;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return failure_set(reterr, -errno, "cannot make a pipe: %s", strerror(errno));
    }
    ready = ends[0];
    their_ready = ends[1];
    snprintf(owner, sizeof(owner), "%u:%u", plan->identity.worker_uid, plan->identity.worker_gid);
    add_common(&line, context);
    add_fd(&line, "--session-fd", theirs);
    add_fd(&line, "--ready-fd", their_ready);
    add(&line, "--owner-shown-as", owner);
    add_fd(&line, "--source-fd", plan->workspace_fd);
    add(&line, "--profile", "agent");
    add(&line, "-f", NULL);
    if (leads_nowhere(plan->mount_path)) {
        add(&line, "--shown-at", plan->mount_path);
    }
    if (plan->options->strict) {
        add(&line, "--strict", NULL);
    }
    add(&line, "--", NULL);
    add(&line, plan->workspace, NULL); /* for messages: what is served is the descriptor */
    error = daemon_tell(&context->waiting->mount, &line, ret_mount, reterr);
    if (error == 0) {
        *ret_ready_fd = take_fd(&ready);
        *ret_socket = take_fd(&ours);
    }
    return error;
}

int mount_hand_over(const struct daemon *mount, int *socket, int served[static MOUNT_SERVED],
                    struct failure *reterr)
{
    AUTO_CLOSE int ours = take_fd(socket);
    int error = send_with_fds(ours, "M", 1, served, MOUNT_SERVED);

    for (size_t i = 0; i < MOUNT_SERVED; i++) {
        close_fd(&served[i]);
    }

    /* It has ended: what it said of that comes over its pipe. */
    (void)mount;
    return error == -EPIPE || error == -ECONNRESET ? 0
           : error < 0
               ? failure_set(reterr, error, "cannot hand over the mount: %s", strerror(-error))
               : 0;
}

int mount_wait(const struct daemon *mount, int ready, struct failure *reterr)
{
    char text[2048];
    ssize_t got;

    if (wait_readable(ready) < 0) {
        return not_in_time(mount, reterr);
    }
    /* One byte: it serves. More: the three lines of its error. */
    got = read(ready, text, sizeof(text) - 1);
    if (got == 1) {
        return 0;
    }
    if (got > 1) {
        ssize_t more = read_upto(ready, text + got, sizeof(text) - 1 - (size_t)got);

        text[got + (more > 0 ? more : 0)] = '\0';
        failure_parse(reterr, mount->name, text);
        return -EIO;
    }
    return daemon_ended_early(mount, reterr);
}
