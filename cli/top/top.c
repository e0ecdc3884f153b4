/* failcore top: the runs as they go. On a terminal until q; else one picture. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cli/top/live_view.h"
#include "cli/verbs.h"
#include "shared/audit/directory.h"
#include "shared/audit/log_lines.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"

#define PERIOD_MS 1000

enum { OPTION_AUDIT = 1, OPTION_COLOR, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory"},
    {OPTION_COLOR, 0, "color", "auto|always|never", "when to use colour"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore top",
    .synopsis = "[--audit DIR] [--color WHEN]",
    .summary = "live view of runs: rates, last refusals, hosts, limits; q ends it",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int read_on(struct live_view *live, struct log_lines *lines, struct failure *reterr)
{
    struct str_view line;
    int got;

    while ((got = log_lines_next(lines, &line, reterr)) > 0) {
        struct audit_record record;

        if (audit_record_read(line, &record, NULL) == 0 && live_view_add(live, &record) < 0) {
            return failure_set(reterr, -ENOMEM, "cannot go on: no memory");
        }
    }
    return got;
}

/* Each line is cleared to its end instead of the whole screen: no flicker. */
static void draw(struct live_view *live, const struct paint_box *box, double seconds)
{
    AUTO(text_buffer_clear) struct text_buffer picture = {0};
    AUTO(text_buffer_clear) struct text_buffer screen = {0};

    live_view_append(live, box, seconds, now_ns(CLOCK_REALTIME), &picture);
    text_buffer_append_text(&screen, "\x1b[H");
    for (size_t i = 0; i < picture.length; i++) {
        if (picture.bytes[i] == '\n') {
            text_buffer_append_text(&screen, "\x1b[K\r\n");
        } else {
            text_buffer_append_char(&screen, picture.bytes[i]);
        }
    }
    text_buffer_append_text(&screen, "\x1b[J");
    (void)write_all(STDOUT_FILENO, text_buffer_text(&screen), screen.length);
}

/* True when it is over: q, end of input, or a signal. */
static bool wait_a_moment(int signals)
{
    struct pollfd wait[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = signals, .events = POLLIN}};
    char key = 0;

    if (poll(wait, 2, PERIOD_MS) <= 0) {
        return false;
    }
    if (wait[1].revents != 0) {
        return true;
    }
    return read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q' || key == 3;
}

static int watch(struct live_view *live, struct log_lines *lines, struct paint_box *box,
                 const char *color, struct failure *reterr)
{
    AUTO_CLOSE int signals = -1;
    struct termios before;
    struct termios raw;
    bool has_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    int64_t last = now_ns(CLOCK_MONOTONIC);
    sigset_t set;
    int error = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (has_terminal) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    (void)write_all(STDOUT_FILENO, "\x1b[?1049h\x1b[?25l", 14); /* own screen, no cursor */
    do {
        int64_t now;

        error = read_on(live, lines, reterr);
        now = now_ns(CLOCK_MONOTONIC);
        (void)paint_box_init(color, box); /* the terminal may have another size by now */
        draw(live, box, (double)(now - last) / 1e9);
        last = now;
    } while (error == 0 && !wait_a_moment(signals));
    (void)write_all(STDOUT_FILENO, "\x1b[?25h\x1b[?1049l", 14);
    if (has_terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    return error;
}

static int top(const char *audit, const char *color, struct failure *reterr)
{
    AUTO(live_view_clear) struct live_view live = {0};
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    char standard[PATH_MAX];
    struct paint_box box;
    int error = 0;

    if (audit == NULL) {
        error = audit_directory_default(standard, reterr);
        audit = standard;
    }
    if (error == 0 && paint_box_init(color, &box) < 0) {
        error = failure_set(reterr, -EINVAL, "--color is auto, always or never");
    }
    if (error == 0) {
        error = log_lines_open(audit, &lines, reterr);
    }
    if (error == 0) {
        error = read_on(&live, lines, reterr);
    }
    if (error < 0) {
        return error;
    }
    if (isatty(STDOUT_FILENO) == 1) {
        /* Rates begin now, not with the beginning of the log. */
        live_view_append(&live, &box, 0, now_ns(CLOCK_REALTIME), &text);
        return watch(&live, lines, &box, color, reterr);
    }
    live_view_append(&live, &box, 0, now_ns(CLOCK_REALTIME), &text);
    return write_all(STDOUT_FILENO, text_buffer_text(&text), text.length);
}

int verb_top(int argc, char **argv)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    const char *audit = NULL;
    const char *color = NULL;
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, &command);
            return EXIT_CODE_OK;
        }
        *(id == OPTION_AUDIT ? &audit : &color) = scan.argument;
    }
    if (id == 0 && scan.next < argc) {
        id = failure_set(&failure, -EINVAL, "no operand is wanted: %s", argv[scan.next]);
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    id = top(audit, color, &failure);
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return id == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
