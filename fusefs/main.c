/* failcore-mount: one directory, shown at another place, every operation judged and recorded. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fusefs/breaker_place.h"
#include "fusefs/control_socket.h"
#include "fusefs/mount_device.h"
#include "fusefs/mountpoint_guard.h"
#include "fusefs/service.h"
#include "fusefs/startup.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/base/late_arguments.h"

#define PROGRAM    "failcore-mount"
#define READY_BYTE "R"

#define END_PATIENCE_MS 1000
#define FLUSH_MS        1000

static void tell_failure(int fd, const struct failure *failure)
{
    FILE *stream = fd < 0 ? stderr : fdopen(fd, "w");

    if (stream != NULL) {
        failure_print(stream, PROGRAM, failure);
        fflush(stream);
    }
}

static int watch_signals(void)
{
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What the signals that have come ask for. */
struct wishes {
    bool end;
    bool reload;
};

static struct wishes read_signals(int signals)
{
    struct signalfd_siginfo signal_seen;
    struct wishes wishes = {0};

    while (read(signals, &signal_seen, sizeof(signal_seen)) == sizeof(signal_seen)) {
        wishes.end |= signal_seen.ssi_signo == SIGTERM || signal_seen.ssi_signo == SIGINT;
        wishes.reload |= signal_seen.ssi_signo == SIGHUP;
    }
    return wishes;
}

/* The same words for the one who asked and, in front, for the terminal. */
static struct control_answer reload(struct startup *startup)
{
    struct control_answer answer = {0};
    struct failure failure = {0};
    unsigned int late = 0;
    enum exit_code code = startup_reload(startup, &late, &failure);
    FILE *text = fmemopen(answer.text, sizeof(answer.text), "w");

    answer.code = (int)code;
    if (text != NULL && code != EXIT_CODE_OK) {
        failure_print(text, PROGRAM, &failure);
    } else if (text != NULL && late > 0) {
        fprintf(text,
                PROGRAM ": the new policy is not fully in force until %u open files are "
                        "closed: the kernel carries their data\n",
                late);
    }
    if (text != NULL) {
        fclose(text);
    }
    (void)write_all(STDERR_FILENO, answer.text, strlen(answer.text));
    return answer;
}

/* What the operator says after the breaker has tripped. */
static struct control_answer resume(struct startup *startup)
{
    struct control_answer answer = {0};
    int r = breaker_resume(&startup->tree.breaker);

    if (r == -EALREADY) {
        answer.code = EXIT_CODE_USAGE;
        snprintf(answer.text, sizeof(answer.text), PROGRAM ": the breaker has not tripped\n");
    } else if (r < 0) {
        answer.code = EXIT_CODE_FAILCORE_FAILED;
        snprintf(answer.text, sizeof(answer.text),
                 PROGRAM ": not resumed, since it cannot be recorded: %s\n", strerror(-r));
    }
    return answer;
}

static void tell_tripped(const struct startup *startup)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct breaker_trip trip;

    if (breaker_last_trip(&startup->tree.breaker, &trip)) {
        breaker_trip_describe(&trip, &text);
        fprintf(stderr,
                PROGRAM ": the breaker has tripped before (%s): nothing is changed until "
                        "failcore-mount --resume %s\n",
                text_buffer_text(&text), startup->mountpoint_path);
    }
}

static void serve_control(struct startup *startup)
{
    enum control_word asked = CONTROL_RELOAD;
    AUTO_CLOSE int connection = control_socket_accept(startup->control, &asked);

    if (connection >= 0) {
        const struct control_answer answer =
            asked == CONTROL_RESUME ? resume(startup) : reload(startup);

        (void)control_socket_answer(connection, &answer);
    }
}

enum end {
    END_ASKED,     /* by a signal */
    END_SESSION,   /* the mount is gone, or nothing answers it any more */
    END_UNWATCHED, /* nobody would end us any more if we were stopped */
};

/* Until the mount is gone, a signal comes or the supervisor goes. */
static enum end wait_for_the_end(struct startup *startup, int signals, int ready_fd)
{
    struct pollfd watched[] = {
        {.fd = signals, .events = POLLIN},
        {.fd = startup->server.ended_event, .events = POLLIN},
        {.fd = startup->options.supervisor_fd, .events = POLLIN},
        {.fd = startup->server.started_event, .events = POLLIN},
        {.fd = audit_producer_alarm_fd(startup->audit), .events = POLLIN},
        {.fd = startup->control, .events = POLLIN},
        {.fd = startup->watch, .events = POLLIN},
    };
    struct service_heartbeat heartbeat = service_heartbeat_init(startup->options.watched);

    for (;;) {
        int ready = poll(watched, sizeof(watched) / sizeof(watched[0]),
                         service_patience(&heartbeat, FLUSH_MS));

        service_heartbeat(&heartbeat, &startup->server);
        if (ready == 0) {
            /* Repeats of a program that has fallen silent do not wait for its next request. */
            if (!atomic_load(&startup->tree.unrecorded)) {
                (void)audit_producer_flush(startup->audit);
            }
            continue;
        }
        if (ready < 0) {
            if (errno == EINTR) {
                continue;
            }
            return END_SESSION;
        }
        if (watched[3].revents != 0) {
            fprintf(stderr, PROGRAM ": serving; requests over %s, data %s\n",
                    server_transport(&startup->server), server_data_path(&startup->server));
            tell_tripped(startup);
            service_ready(&startup->server);
            if (ready_fd >= 0) {
                (void)write_all(ready_fd, READY_BYTE, 1);
            }
            if (ready_fd >= 0 && startup->options.session_fd < 0) {
                close(ready_fd); /* else its end says that all is recorded */
            }
            watched[3].fd = -1;
            watched[3].revents = 0;
        }
        if (watched[4].revents != 0) {
            atomic_store(&startup->tree.unrecorded, true);
            watched[4].fd = -1;
        }
        if (watched[2].revents != 0) {
            /* Nobody is left to serve for: at once, and the kernel answers ENOTCONN. */
            server_leave(&startup->server);
            _exit(EXIT_CODE_FAILCORE_FAILED);
        }
        if (watched[1].revents != 0) {
            return END_SESSION;
        }
        if (watched[6].revents != 0) {
            return END_UNWATCHED;
        }
        if (watched[0].revents != 0) {
            const struct wishes wishes = read_signals(signals);

            if (wishes.end) {
                return END_ASKED;
            }
            if (wishes.reload) {
                (void)reload(startup);
            }
        }
        if (watched[5].revents != 0) {
            serve_control(startup);
        }
    }
}

/* With threads that may still serve: what they use stays. */
static _Noreturn void leave(struct startup *startup, int ready_fd, enum exit_code code)
{
    audit_producer_leave(startup->audit);
    if (ready_fd >= 0) {
        close(ready_fd);
    }
    server_leave(&startup->server);
    _exit((int)code);
}

/*
 * The mount stays where it is and answers ENOTCONN: unmounted, it would show the directory below
 * it, which no policy guards. The operator unmounts it, or starts the server again.
 */
static _Noreturn void leave_closed(struct startup *startup, const char *what)
{
    struct failure failure = {0};

    failure_set(&failure, -ENOTCONN, "%s has ended; %s is closed", what, startup->mountpoint_path);
    failure_set_needed(&failure, "whoever uses the mount");
    failure_set_mend(&failure, PROGRAM " --unmount %s", startup->mountpoint_path);
    failure_print(stderr, PROGRAM, &failure);
    leave(startup, -1, EXIT_CODE_FAILCORE_FAILED);
}

static void tell_counts(const struct server *server)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    server_print_counts(server, &text);
    fprintf(stderr, PROGRAM ": requests: %s\n", text_buffer_text(&text));
}

static enum exit_code serve(const struct mount_options *options, int ready_fd)
{
    static struct startup startup;
    struct failure failure = {0};
    int signals = watch_signals();
    enum exit_code code = startup_run(&startup, options, &failure);
    enum end end;

    if (code != EXIT_CODE_OK) {
        startup_end(&startup);
        tell_failure(ready_fd, &failure);
        return code;
    }
    end = wait_for_the_end(&startup, signals, ready_fd);
    (void)service_manager_tell("STOPPING=1");
    if (end == END_UNWATCHED) {
        leave_closed(&startup, "the process that watches over the server");
    }
    if (end == END_SESSION && startup_is_mounted(&startup)) {
        leave_closed(&startup, "the session with the kernel");
    }
    if (options->session_fd >= 0) {
        /* Whoever mounted it unmounts it: our end of the connection goes with us. */
        leave(&startup, ready_fd, EXIT_CODE_OK);
    }
    tell_counts(&startup.server);
    breaker_place_leave(&startup.tree, options);
    startup_unmount(&startup);
    if (!server_wait(&startup.server, END_PATIENCE_MS)) {
        /* Somebody's copy of the mount (another mount namespace) or open file keeps the connection
         * alive: it ends with us. */
        leave(&startup, -1, EXIT_CODE_OK);
    }
    startup_end(&startup);
    return EXIT_CODE_OK;
}

/* The parent of the daemon: returns when the mount serves, or with what the child says. */
static enum exit_code wait_until_ready(pid_t child, int ready)
{
    char text[2048];
    ssize_t length = read_upto(ready, text, sizeof(text));
    int status = 0;

    if (length == 1 && text[0] == READY_BYTE[0]) {
        return EXIT_CODE_OK;
    }
    if (length > 0) {
        (void)write_all(STDERR_FILENO, text, (size_t)length);
    }
    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        return (enum exit_code)WEXITSTATUS(status);
    }
    return EXIT_CODE_FAILCORE_FAILED;
}

static void leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(null);
    }
}

static enum exit_code serve_in_background(const struct mount_options *options)
{
    int ready[2];
    pid_t child;

    if (pipe2(ready, O_CLOEXEC) < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    child = fork();
    if (child < 0) {
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (child == 0) {
        close(ready[0]);
        leave_terminal();
        return serve(options, ready[1]);
    }
    close(ready[1]);
    return wait_until_ready(child, ready[0]);
}

static enum exit_code unmount(const struct mount_options *options)
{
    struct failure failure = {0};
    char path[4096];
    AUTO_CLOSE int directory = -1;

    if (options->host_namespace && service_enter_host(&failure) < 0) {
        failure_print(stderr, PROGRAM, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (realpath(options->mountpoint, path) == NULL) {
        /* A mount whose server is dead cannot be looked at: the path must be given in full. */
        snprintf(path, sizeof(path), "%s", options->mountpoint);
    }
    if (mount_device_close(path, options->lazily, &failure) < 0) {
        failure_print(stderr, PROGRAM, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    /* The server gives the directory its mode back; a dead one could not. */
    directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        (void)mountpoint_guard_open(directory);
    }
    return EXIT_CODE_OK;
}

static enum exit_code ask(const struct mount_options *options, enum control_word word)
{
    struct control_answer answer = {0};
    struct failure failure = {0};
    char mountpoint[4096];
    char path[128];
    int r;

    if (realpath(options->mountpoint, mountpoint) == NULL) {
        snprintf(mountpoint, sizeof(mountpoint), "%s", options->mountpoint);
    }
    r = control_socket_path(mountpoint, path, sizeof(path));
    if (r == 0) {
        r = control_socket_ask(path, word, &answer);
    }
    if (r < 0) {
        failure_set(&failure, r, "cannot reach the server of %s: %s", mountpoint, strerror(-r));
        failure_set_mend(&failure, "run as the user who mounted it");
        failure_print(stderr, PROGRAM, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    fputs(answer.text, stderr);
    return (enum exit_code)answer.code;
}

static enum exit_code prepare(const struct mount_options *options)
{
    static struct startup startup;
    struct failure failure = {0};
    AUTO_CLOSE int device = -1;
    enum exit_code code = service_enter_host(&failure) < 0
                              ? EXIT_CODE_FAILCORE_FAILED
                              : startup_mount_only(&startup, options, &device, &failure);

    if (code == EXIT_CODE_OK && service_keep_session(device, &failure) < 0) {
        code = EXIT_CODE_FAILCORE_FAILED; /* closing the device makes the mount answer ENOTCONN */
    }
    if (code != EXIT_CODE_OK) {
        failure_print(stderr, PROGRAM, &failure);
    }
    return code;
}

static enum exit_code serve_stored(struct mount_options *options)
{
    struct failure failure = {0};

    options->session_fd = service_take_session(&failure);
    if (options->session_fd < 0) {
        failure_print(stderr, PROGRAM, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return serve(options, -1);
}

int main(int argc, char **argv)
{
    struct mount_options options;
    struct failure failure = {0};

    if (late_arguments_take(&argc, &argv) < 0) {
        return EXIT_CODE_FAILCORE_FAILED; /* our starter has ended */
    }
    if (mount_options_parse(argc, argv, &options, &failure) < 0) {
        failure_print(stderr, PROGRAM, &failure);
        return EXIT_CODE_USAGE;
    }
    switch (options.action) {
    case MOUNT_HELP:
        command_table_print_help(stdout, mount_command());
        return EXIT_CODE_OK;
    case MOUNT_VERSION:
        puts(PROGRAM " " FAILCORE_VERSION);
        return EXIT_CODE_OK;
    case MOUNT_UNMOUNT:
        return (int)unmount(&options);
    case MOUNT_RELOAD:
        return (int)ask(&options, CONTROL_RELOAD);
    case MOUNT_RESUME:
        return (int)ask(&options, CONTROL_RESUME);
    case MOUNT_PREPARE:
        return (int)prepare(&options);
    case MOUNT_SERVE:
        break;
    }
    if (options.stored) {
        return (int)serve_stored(&options);
    }
    if (options.foreground || options.ready_fd >= 0 || options.session_fd >= 0) {
        return (int)serve(&options, options.ready_fd);
    }
    return (int)serve_in_background(&options);
}
