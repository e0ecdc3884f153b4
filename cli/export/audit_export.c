/* failcore audit export --format jsonl|ocsf|cef|csv|tiles [--audit DIR] [-o DIR] [RUN] */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/audit_verbs.h"
#include "cli/export/export.h"
#include "cli/log/log_view.h"
#include "shared/audit/directory.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/inert_text.h"
#include "shared/base/option_table.h"

#define FLUSH_BYTES (64U * 1024)

enum { OPTION_FORMAT = 1, OPTION_OUTPUT, OPTION_AUDIT, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_FORMAT, 'f', "format", "FORMAT", "jsonl, ocsf, cef, csv or tiles"},
    {OPTION_OUTPUT, 'o', "output", "DIR", "a directory; without, standard output (not for tiles)"},
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore audit export",
    .synopsis = "--format FORMAT [-o DIR] [--audit DIR] [RUN]",
    .summary = "the log, or a run of it, in the words of other tools",
    .examples = "  failcore audit export --format ocsf | jq .class_uid\n"
                "  failcore audit export --format tiles -o /srv/log\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct format {
    const char *name;
    export_row *row; /* NULL: tiles */
    const char *header;
    const char *file;
    bool is_json;
};
static const struct format formats[] = {
    {"jsonl", export_jsonl, "", "audit.jsonl", true},
    {"ocsf", export_ocsf, "", "audit.ocsf.jsonl", true},
    {"cef", export_cef, "", "audit.cef", false},
    {"csv", export_csv, EXPORT_CSV_HEADER, "audit.csv", false},
    {"tiles", NULL, "", "", false},
};

struct arguments {
    const struct format *format;
    const char *output;
    const char *audit;
    const char *run;
    bool on_terminal;
    bool help;
};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

static int parse(int argc, char **argv, struct arguments *arguments, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id;

    while ((id = option_scan_next(&scan, reterr)) > 0) {
        if (id == OPTION_FORMAT) {
            arguments->format = find_format(scan.argument);
            if (arguments->format == NULL) {
                failure_set_mend(reterr, "one of jsonl, ocsf, cef, csv, tiles");
                return failure_set(reterr, -EINVAL, "unknown format: %s", scan.argument);
            }
        } else if (id == OPTION_OUTPUT) {
            arguments->output = scan.argument;
        } else if (id == OPTION_AUDIT) {
            arguments->audit = scan.argument;
        }
        arguments->help |= id == OPTION_HELP;
    }
    if (id < 0 || arguments->help) {
        return id;
    }
    failure_set_mend(reterr, "%s --help", command.name);
    if (arguments->format == NULL) {
        return failure_set(reterr, -EINVAL, "--format is missing");
    }
    if (argc > scan.next + 1) {
        return failure_set(reterr, -EINVAL, "too many operands");
    }
    arguments->run = scan.next < argc ? argv[scan.next] : NULL;
    if (arguments->format->row == NULL && (arguments->output == NULL || arguments->run != NULL)) {
        return failure_set(reterr, -EINVAL, "tiles are of the whole log, and need -o DIR");
    }
    return 0;
}

static int open_output(const struct arguments *arguments, struct failure *reterr)
{
    AUTO_CLOSE int directory = -1;
    int fd;

    if (arguments->output == NULL) {
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    } else {
        if (mkdir(arguments->output, 0777) < 0 && errno != EEXIST) {
            return failure_set(reterr, -errno, "cannot make %s: %s", arguments->output,
                               strerror(errno));
        }
        directory = open(arguments->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd = directory < 0 ? -1
                           : openat(directory, arguments->format->file,
                                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    return fd < 0 ? failure_set(reterr, -errno, "cannot write: %s", strerror(errno)) : fd;
}

static int flush(int fd, struct text_buffer *text, struct failure *reterr)
{
    int error = text_buffer_error(text);

    if (error == 0) {
        error = write_all(fd, text_buffer_text(text), text->length);
    }
    text_buffer_reset(text);
    return error < 0 ? failure_set(reterr, error, "cannot write: %s", strerror(-error)) : 0;
}

/* JSON holds every character as it is; on a terminal some of them act. */
static void make_inert(struct text_buffer *text, size_t start)
{
    AUTO(text_buffer_clear) struct text_buffer row = {0};

    text_buffer_append(&row, (struct str_view){text->bytes + start, text->length - start - 1});
    text->length = start;
    inert_text_append(text, text_buffer_view(&row), INERT_JSON);
    text_buffer_append_char(text, '\n');
}

static int add_row(const struct arguments *arguments, int fd, struct text_buffer *text,
                   const struct audit_record *record, struct failure *reterr)
{
    size_t start = text->length;

    arguments->format->row(text, record);
    if (arguments->on_terminal && arguments->format->is_json && text_buffer_error(text) == 0) {
        make_inert(text, start);
    }
    return text->length < FLUSH_BYTES ? 0 : flush(fd, text, reterr);
}

static int export_run(const struct arguments *arguments, const char *audit, int fd,
                      struct text_buffer *text, struct failure *reterr)
{
    struct log_view view = {0};
    struct audit_record record;
    int got = 1;
    int error = log_view_open(&view, audit, arguments->run, reterr);

    if (error == 0 && view.run == NULL) {
        error = failure_set(reterr, -ENOENT, "there is no such run");
    }
    if (error == 0) {
        error = log_view_rewind(&view, reterr);
    }
    while (error == 0 && (got = log_view_next(&view, &record, reterr)) == 1) {
        error = add_row(arguments, fd, text, &record, reterr);
    }
    log_view_close(&view);
    return error < 0 ? error : got;
}

static int export_all(const struct arguments *arguments, const char *audit, int fd,
                      struct text_buffer *text, struct failure *reterr)
{
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    struct str_view line;
    int got = 1;
    int error = log_lines_open(audit, &lines, reterr);

    while (error == 0 && (got = log_lines_next(lines, &line, reterr)) == 1) {
        struct audit_record record;

        if (audit_record_read(line, &record, NULL) < 0) {
            failure_set_mend(reterr, "failcore audit verify %s", audit);
            return failure_set(reterr, -EBADMSG, "a line of the log is not a record");
        }
        error = add_row(arguments, fd, text, &record, reterr);
    }
    return error < 0 ? error : got;
}

static int export_rows(const struct arguments *arguments, const char *audit, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int fd = open_output(arguments, reterr);
    int error;

    if (fd < 0) {
        return fd;
    }
    text_buffer_append_text(&text, arguments->format->header);
    error = arguments->run != NULL ? export_run(arguments, audit, fd, &text, reterr)
                                   : export_all(arguments, audit, fd, &text, reterr);
    return error < 0 ? error : flush(fd, &text, reterr);
}

int verb_audit_export(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct failure failure = {0};
    char standard[PATH_MAX];
    const char *audit;
    int error = parse(argc, argv, &arguments, &failure);

    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (arguments.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    failure = (struct failure){0};
    arguments.on_terminal = arguments.output == NULL && isatty(STDOUT_FILENO) == 1;
    audit = arguments.audit == NULL ? standard : arguments.audit;
    error = arguments.audit == NULL ? audit_directory_default(standard, &failure) : 0;
    if (error == 0) {
        error = arguments.format->row == NULL ? export_tiles(audit, arguments.output, &failure)
                                              : export_rows(&arguments, audit, &failure);
    }
    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
