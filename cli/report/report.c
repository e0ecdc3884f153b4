/* failcore audit report, and failcore audit --html, its short form. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/audit_verbs.h"
#include "cli/report/page.h"
#include "cli/report/sections.h"
#include "shared/audit/checkpoint.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"

enum { OPTION_OUTPUT = 1, OPTION_AUDIT, OPTION_WHEN_ENDED, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_OUTPUT, 'o', "output", "FILE", "where to; else standard output"},
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_WHEN_ENDED, 0, "when-ended", NULL, NULL},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore audit report",
    .synopsis = "[-o FILE] [--audit DIR] [RUN]",
    .summary = "one self-contained HTML file about a run: the last one, unless RUN names another",
    .examples = "  failcore audit report -o report.html\n"
                "  failcore audit --html > report.html\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

#define ENDING_TRIES    20
#define ENDING_PAUSE_NS 150000000L

struct report {
    const char *output;
    const char *audit;
    const char *run;
    bool when_ended;
    bool help;
};

static int read_command_line(struct report *report, int argc, char **argv, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id;

    while (scan.next < argc) {
        while ((id = option_scan_next(&scan, reterr)) > 0) {
            if (id == OPTION_OUTPUT) {
                report->output = scan.argument;
            } else if (id == OPTION_AUDIT) {
                report->audit = scan.argument;
            } else if (id == OPTION_WHEN_ENDED) {
                report->when_ended = true;
            } else {
                report->help = true;
            }
        }
        if (id < 0) {
            return id;
        }
        if (scan.next < argc) {
            if (report->run != NULL) {
                return failure_set(reterr, -EINVAL, "more than one RUN");
            }
            report->run = argv[scan.next++];
        }
    }
    if (!report->help && report->output == NULL && isatty(STDOUT_FILENO) == 1) {
        failure_set(reterr, -EINVAL, "a report is a file, not for a terminal");
        failure_set_mend(reterr, "failcore audit report -o report.html");
        return -EINVAL;
    }
    return 0;
}

/* A reader sees the old file or the whole new one. */
static int write_file(const char *path, const struct text_buffer *html, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer beside = {0};
    AUTO_CLOSE int fd = -1;
    int error = 0;

    text_buffer_printf(&beside, "%s.%d.part", path, (int)getpid());
    fd = open(text_buffer_text(&beside), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        error = -errno;
    } else {
        error = write_all(fd, text_buffer_text(html), html->length);
        if (error == 0 && rename(text_buffer_text(&beside), path) < 0) {
            error = -errno;
        }
        if (error < 0) {
            unlink(text_buffer_text(&beside));
        }
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot write the report: %s", strerror(-error));
        failure_set_needed(reterr, "%s", path);
        failure_set_mend(reterr, "name another file with -o");
    }
    return error;
}

/* The run's end and a signature over it are in the log a moment after the run: waits for both. */
static void wait_for_end(const struct report *report)
{
    for (int i = 0; i < ENDING_TRIES; i++) {
        AUTO(log_view_close) struct log_view view = {0};
        struct failure ignored = {0};
        struct note_key key;
        struct checkpoint head;

        if (log_view_open_keeping(&view, report->audit, report->run, &ignored) == 0 &&
            view.run != NULL && view.run->end_seq != UINT64_MAX &&
            report_signed_head(view.path, view.run->last_seq, &key, &head)) {
            return;
        }
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = ENDING_PAUSE_NS}, NULL);
    }
}

static int make_report(const struct report *report, struct failure *reterr)
{
    AUTO(log_view_close) struct log_view view = {0};
    AUTO(text_buffer_clear) struct text_buffer html = {0};
    int error;

    if (report->when_ended) {
        wait_for_end(report);
    }
    /* The report of a run that has just ended leaves the index for whoever asks next. */
    error = report->when_ended ? log_view_open_keeping(&view, report->audit, report->run, reterr)
                               : log_view_open(&view, report->audit, report->run, reterr);
    if (error == 0 && view.run == NULL) {
        failure_set(reterr, -ENOENT, "there is no run in this log");
        failure_set_needed(reterr, "%s", view.path);
        return -ENOENT;
    }
    if (error == 0) {
        error = report_page(&view, &html, reterr);
    }
    if (error < 0) {
        return error;
    }
    if (report->output != NULL) {
        return write_file(report->output, &html, reterr);
    }
    error = write_all(STDOUT_FILENO, text_buffer_text(&html), html.length);
    return error < 0 ? failure_set(reterr, error, "cannot write the report: %s", strerror(-error))
                     : 0;
}

int verb_audit_report(int argc, char **argv)
{
    struct report report = {0};
    struct failure failure = {0};

    if (read_command_line(&report, argc, argv, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (report.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    if (make_report(&report, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
