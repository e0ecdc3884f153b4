/* failcore audit normalize: a run without what differs each time, to be compared with another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/audit_verbs.h"
#include "cli/log/log_view.h"
#include "cli/normalize/strands.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/inert_text.h"
#include "shared/base/option_table.h"

enum { OPTION_AUDIT = 1, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore audit normalize",
    .synopsis = "[--audit DIR] [RUN|FILE]",
    .summary = "a run without clocks, numbers and chance: the same text whenever the same is done",
    .examples = "  diff <(failcore audit normalize RUN) <(failcore audit normalize last)\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct words {
    const char *audit;
    const char *run;
    bool help;
};

static int read_words(struct words *words, int argc, char **argv, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id = 0;

    while (scan.next < argc) {
        while ((id = option_scan_next(&scan, reterr)) > 0) {
            words->help |= id == OPTION_HELP;
            words->audit = id == OPTION_AUDIT ? scan.argument : words->audit;
        }
        if (id < 0) {
            return id;
        }
        if (scan.next < argc) {
            if (words->run != NULL) {
                return failure_set(reterr, -EINVAL, "more than one RUN");
            }
            words->run = argv[scan.next++];
        }
    }
    return 0;
}

static int read_outcomes(struct log_view *view, struct outcomes *outcomes, struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        got = outcomes_add(outcomes, &record);
    }
    outcomes_settle(outcomes);
    return got;
}

static int read_rows(struct log_view *view, const struct outcomes *outcomes,
                     struct strands *strands, struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        got = strands_add(strands, &record, outcomes);
    }
    return got;
}

static int print(const struct text_buffer *text, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer inert = {0};
    int error;

    if (isatty(STDOUT_FILENO) == 1) {
        struct str_view rest = text_buffer_view(text);

        while (rest.length > 0) {
            const char *end = memchr(rest.bytes, '\n', rest.length);
            size_t length = end == NULL ? rest.length : (size_t)(end - rest.bytes);

            inert_text_append(&inert, (struct str_view){rest.bytes, length}, INERT_JSON);
            text_buffer_append_char(&inert, '\n');
            rest.bytes += length + (end != NULL);
            rest.length -= length + (end != NULL);
        }
        text = &inert;
    }
    error = text_buffer_error(text);
    if (error == 0) {
        error = write_all(STDOUT_FILENO, text_buffer_text(text), text->length);
    }
    return error < 0 ? failure_set(reterr, error, "cannot write: %s", strerror(-error)) : 0;
}

static int normalize(const struct words *words, struct failure *reterr)
{
    AUTO(log_view_close) struct log_view view = {0};
    AUTO(outcomes_clear) struct outcomes outcomes = {0};
    AUTO(strands_clear) struct strands strands = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error = log_view_open(&view, words->audit, words->run, reterr);

    if (error == 0 && view.run == NULL) {
        error = failure_set(reterr, -ENOENT, "there is no run in this log");
        failure_set_needed(reterr, "%s", view.path);
    }
    if (error == 0) {
        error = read_outcomes(&view, &outcomes, reterr);
    }
    if (error == 0) {
        error = read_rows(&view, &outcomes, &strands, reterr);
    }
    if (error == 0) {
        error = strands_append(&strands, &text);
    }
    if (error == -ENOMEM) {
        return failure_set(reterr, error, "cannot compare: no memory");
    }
    return error < 0 ? error : print(&text, reterr);
}

int verb_audit_normalize(int argc, char **argv)
{
    struct words words = {0};
    struct failure failure = {0};

    if (read_words(&words, argc, argv, &failure) < 0) {
        failure_set_mend(&failure, "%s --help", command.name);
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (words.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    if (normalize(&words, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
