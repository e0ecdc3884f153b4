/*
 * failcore metrics: the log in numbers, once, or kept up to date in a file and at a local socket.
 * It only reads the log; enforcement does not wait for it, and a scraper cannot reach a daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/metrics/metric_set.h"
#include "cli/verbs.h"
#include "shared/audit/directory.h"
#include "shared/audit/log_lines.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"

#define PERIOD_MS 1000

enum { OPTION_OUTPUT = 1, OPTION_SOCKET, OPTION_FOLLOW, OPTION_AUDIT, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_OUTPUT, 'o', "output", "FILE",
     "write there, whole or not at all (node_exporter's textfile)"},
    {OPTION_SOCKET, 0, "socket", "PATH", "answer HTTP at this local socket; implies --follow"},
    {OPTION_FOLLOW, 'f', "follow", NULL, "go on, once a second, until a signal"},
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore metrics",
    .synopsis = "[-o FILE] [--socket PATH] [--follow] [--audit DIR]",
    .summary = "the log in numbers, in the text format of Prometheus",
    .examples = "  failcore metrics --follow -o /var/lib/node_exporter/failcore.prom\n"
                "  failcore metrics --socket /run/failcore/metrics & "
                "curl --unix-socket /run/failcore/metrics http://metrics/\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct metrics_command {
    const char *output;
    const char *socket;
    const char *audit;
    bool follow;
    bool help;
    struct log_lines *lines;
    struct metric_set set;
};

static int read_command_line(struct metrics_command *metrics, int argc, char **argv,
                             struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id;

    while ((id = option_scan_next(&scan, reterr)) > 0) {
        switch (id) {
        case OPTION_OUTPUT:
            metrics->output = scan.argument;
            break;
        case OPTION_SOCKET:
            metrics->socket = scan.argument;
            metrics->follow = true;
            break;
        case OPTION_FOLLOW:
            metrics->follow = true;
            break;
        case OPTION_AUDIT:
            metrics->audit = scan.argument;
            break;
        default:
            metrics->help = true;
            break;
        }
    }
    if (id == 0 && scan.next < argc) {
        return failure_set(reterr, -EINVAL, "no operand is wanted: %s", argv[scan.next]);
    }
    return id;
}

static int read_on(struct metrics_command *metrics, struct failure *reterr)
{
    struct str_view line;
    int got;

    while ((got = log_lines_next(metrics->lines, &line, reterr)) > 0) {
        struct audit_record record;

        if (audit_record_read(line, &record, NULL) < 0) {
            metrics->set.unreadable++;
        } else {
            metric_set_add(&metrics->set, &record);
        }
    }
    return got;
}

/* A reader sees the old file or the whole new one. */
static int write_file(const char *path, const struct text_buffer *text)
{
    AUTO(text_buffer_clear) struct text_buffer beside = {0};
    AUTO_CLOSE int fd = -1;
    int error;

    text_buffer_printf(&beside, "%s.%d.part", path, (int)getpid());
    fd = open(text_buffer_text(&beside), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
              0644);
    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, text->bytes, text->length);
    if (error == 0 && rename(text_buffer_text(&beside), path) < 0) {
        error = -errno;
    }
    if (error < 0) {
        unlink(text_buffer_text(&beside));
    }
    return error;
}

static int publish(const struct metrics_command *metrics, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error;

    if (metrics->output == NULL && metrics->socket != NULL) {
        return 0;
    }
    metric_set_append(&metrics->set, &text);
    error = text_buffer_error(&text);
    if (error == 0) {
        error = metrics->output == NULL ? write_all(STDOUT_FILENO, text.bytes, text.length)
                                        : write_file(metrics->output, &text);
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot write the metrics: %s", strerror(-error));
        failure_set_needed(reterr, "%s", metrics->output == NULL ? "-" : metrics->output);
    }
    return error;
}

/* ---- the socket --------------------------------------------------------------------------------
 */

static int listen_at(const char *path, struct failure *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat there;
    mode_t mask;
    int error = 0;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return failure_set(reterr, -ENAMETOOLONG, "the socket's path is too long: %s", path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode)) {
        unlink(path); /* of an earlier one that was killed */
    }
    mask = umask(0177);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 16) < 0) {
        error = -errno;
    }
    umask(mask);
    if (error < 0) {
        failure_set(reterr, error, "cannot listen: %s", strerror(-error));
        failure_set_needed(reterr, "%s", path);
        return error;
    }
    return take_fd(&fd);
}

/* One answer whatever was asked; a client that does not take it at once is dropped. */
static void answer(int listener, const struct metric_set *set)
{
    AUTO_CLOSE int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    AUTO(text_buffer_clear) struct text_buffer body = {0};
    AUTO(text_buffer_clear) struct text_buffer reply = {0};
    const struct timeval patience = {.tv_usec = 500000};
    char request[2048];

    if (client < 0) {
        return;
    }
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)recv(client, request, sizeof(request), 0);
    metric_set_append(set, &body);
    text_buffer_printf(&reply,
                       "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                       body.length);
    text_buffer_append(&reply, text_buffer_view(&body));
    if (text_buffer_error(&body) == 0 && text_buffer_error(&reply) == 0) {
        (void)write_all(client, reply.bytes, reply.length);
    }
}

static int go_on(struct metrics_command *metrics, struct failure *reterr)
{
    AUTO_CLOSE int listener = -1;
    int error = 0;

    if (metrics->socket != NULL) {
        listener = listen_at(metrics->socket, reterr);
        if (listener < 0) {
            return listener;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    while (error == 0) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        int ready;

        error = publish(metrics, reterr);
        ready = error < 0 ? 0 : poll(&wait, 1, PERIOD_MS);
        error = error < 0 ? error : read_on(metrics, reterr);
        if (error == 0 && ready > 0) {
            answer(listener, &metrics->set);
        }
    }
    return error;
}

static int run(struct metrics_command *metrics, struct failure *reterr)
{
    char standard[PATH_MAX];
    const char *path = metrics->audit;
    int error = 0;

    if (path == NULL) {
        error = audit_directory_default(standard, reterr);
        path = standard;
    }
    if (error == 0) {
        error = log_lines_open(path, &metrics->lines, reterr);
    }
    if (error == 0) {
        error = read_on(metrics, reterr);
    }
    if (error == 0) {
        error = metrics->follow ? go_on(metrics, reterr) : publish(metrics, reterr);
    }
    log_lines_release(&metrics->lines);
    return error;
}

int verb_metrics(int argc, char **argv)
{
    struct metrics_command metrics = {0};
    struct failure failure = {0};

    if (read_command_line(&metrics, argc, argv, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (metrics.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    if (run(&metrics, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
