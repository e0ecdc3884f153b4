/* failcore show: the timeline of a run. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/log/log_view.h"
#include "cli/log/record_filter.h"
#include "cli/show/effects.h"
#include "cli/show/record_page.h"
#include "cli/show/results.h"
#include "cli/show/run_list.h"
#include "cli/show/timeline.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/inert_text.h"
#include "shared/base/option_table.h"

enum {
    OPTION_BLOCKED = 1,
    OPTION_PATH,
    OPTION_HOST,
    OPTION_SINCE,
    OPTION_SEQ,
    OPTION_FOLLOW,
    OPTION_EFFECTS,
    OPTION_RUNS,
    OPTION_AUDIT,
    OPTION_COLOR,
    OPTION_JSON,
    OPTION_HELP
};
static const struct option_row options[] = {
    {OPTION_BLOCKED, 'b', "blocked", NULL, "only what was refused"},
    {OPTION_PATH, 0, "path", "PATH", "only this path and what is below it; may be a pattern"},
    {OPTION_HOST, 0, "host", "HOST", "only this host and its subdomains, or this address"},
    {OPTION_SINCE, 0, "since", "TIME", "from then on: 10m, 2h, 14:30, 2026-11-20T14:30"},
    {OPTION_SEQ, 0, "seq", "N", "record N with all that it says"},
    {OPTION_FOLLOW, 'f', "follow", NULL, "go on until the run ends"},
    {OPTION_EFFECTS, 0, "effects", NULL, "what the run changed: files, hosts, programs"},
    {OPTION_RUNS, 0, "runs", NULL, "the runs in this log, one line each"},
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_COLOR, 0, "color", "auto|always|never", "when to use colour"},
    {OPTION_JSON, 0, "json", NULL, "the records themselves, one per line"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore show",
    .synopsis = "[OPTIONS] [RUN]",
    .summary = "what happened in a run: the last one, unless RUN names another",
    .examples = "  failcore show --blocked\n"
                "  failcore show --path src/ --since 10m\n"
                "  failcore show --follow\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

#define FOLLOW_PAUSE_NS 100000000L

struct show {
    const char *audit;
    const char *run;
    const char *color;
    struct record_filter filter;
    uint64_t seq;
    bool has_seq;
    bool follow;
    bool effects;
    bool runs;
    bool json;
    bool help;
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int take_option(struct show *show, int id, const char *argument, struct failure *reterr)
{
    char *end;

    switch (id) {
    case OPTION_BLOCKED:
        show->filter.blocked_only = true;
        return 0;
    case OPTION_PATH:
        show->filter.path = argument;
        return 0;
    case OPTION_HOST:
        show->filter.host = argument;
        return 0;
    case OPTION_SINCE:
        if (since_parse(argument, now_ns(), &show->filter.since_ns) < 0) {
            failure_set(reterr, -EINVAL, "not a time: %s", argument);
            failure_set_mend(reterr, "10m, 2h, 14:30 or 2026-11-20T14:30");
            return -EINVAL;
        }
        return 0;
    case OPTION_SEQ:
        errno = 0;
        show->seq = strtoull(argument, &end, 10);
        show->has_seq = true;
        if (errno != 0 || *end != '\0' || argument[0] < '0' || argument[0] > '9') {
            return failure_set(reterr, -EINVAL, "not the number of a record: %s", argument);
        }
        return 0;
    case OPTION_FOLLOW:
        show->follow = true;
        return 0;
    case OPTION_EFFECTS:
        show->effects = true;
        return 0;
    case OPTION_RUNS:
        show->runs = true;
        return 0;
    case OPTION_AUDIT:
        show->audit = argument;
        return 0;
    case OPTION_COLOR:
        show->color = argument;
        return 0;
    case OPTION_JSON:
        show->json = true;
        return 0;
    default:
        show->help = true;
        return 0;
    }
}

static int read_command_line(struct show *show, int argc, char **argv, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id;
    int operands = 0;

    /* Options may stand behind RUN too: `failcore show last --blocked`. */
    while (scan.next < argc) {
        while ((id = option_scan_next(&scan, reterr)) > 0) {
            if (take_option(show, id, scan.argument, reterr) < 0) {
                return -EINVAL;
            }
        }
        if (id < 0) {
            return id;
        }
        if (scan.next < argc) {
            show->run = argv[scan.next++];
            operands++;
        }
    }
    return operands > 1 ? failure_set(reterr, -EINVAL, "more than one RUN") : 0;
}

/* A record as it is in the log; on a terminal, what acts is spelled as a JSON escape. */
static void print_json(const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    if (isatty(STDOUT_FILENO) == 1) {
        inert_text_append(&text, record->line, INERT_JSON);
        text_buffer_append_char(&text, '\n');
        fwrite(text_buffer_text(&text), 1, text.length, stdout);
    } else {
        fwrite(record->line.bytes, 1, record->line.length, stdout);
        putchar('\n');
    }
}

static void show_record(const struct show *show, struct timeline *timeline,
                        const struct audit_record *record)
{
    if (!record_filter_passes(&show->filter, record)) {
        return;
    }
    if (show->json) {
        print_json(record);
    } else if (event_row_is_wanted(record) || (show->follow && record->kind == AUDIT_KIND_RESULT &&
                                               event_outcome_of(record) != OUTCOME_OK)) {
        timeline_add(timeline, record);
    }
}

static int collect_outcomes(struct log_view *view, struct outcomes *outcomes,
                            struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        if (outcomes_add(outcomes, &record) < 0) {
            return failure_set(reterr, -ENOMEM, "cannot show the run: no memory");
        }
        got = 0;
    }
    outcomes_settle(outcomes);
    return got;
}

static int follow(const struct show *show, struct log_view *view, struct timeline *timeline,
                  struct failure *reterr)
{
    struct audit_record record;
    struct str_view line;
    bool ended = view->run->end_seq != UINT64_MAX;
    int got = 0;

    while (!ended) {
        while ((got = log_lines_next(view->lines, &line, reterr)) > 0) {
            if (audit_record_read(line, &record, NULL) == 0 &&
                json_text_equals(record.run, str_view_from(view->run->id))) {
                show_record(show, timeline, &record);
                ended = ended || record.kind == AUDIT_KIND_END;
            }
        }
        if (got < 0) {
            return got;
        }
        timeline_flush(timeline);
        fflush(stdout);
        if (!ended) {
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = FOLLOW_PAUSE_NS},
                            NULL);
        }
    }
    return 0;
}

static void print_summary(const struct paint_box *box, const struct log_view *view)
{
    const struct run_counts *counts = &view->run->counts;
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_printf(&text, "\n%" PRIu64 " decisions, ", counts->decisions);
    paint_begin(box, &text, counts->blocked > 0 ? PAINT_REFUSED : PAINT_GOOD);
    text_buffer_printf(&text, "%" PRIu64 " blocked", counts->blocked);
    paint_end(box, &text, counts->blocked > 0 ? PAINT_REFUSED : PAINT_GOOD);
    text_buffer_printf(&text, ", %" PRIu64 " failed by themselves", counts->failed);
    if (counts->limited > 0) {
        text_buffer_printf(&text, ", %" PRIu64 " stopped by a limit", counts->limited);
    }
    if (counts->lost > 0) {
        text_buffer_printf(&text, ", %" PRIu64 " events lost and accounted for", counts->lost);
    }
    text_buffer_append_char(&text, '\n');
    if (counts->blocked > 0) {
        paint_word(box, &text, PAINT_DIM, "failcore why SEQ says more about one that was blocked\n",
                   0);
    }
    fputs(text_buffer_text(&text), stdout);
}

static size_t digits_of(uint64_t number)
{
    char text[24];

    return (size_t)snprintf(text, sizeof(text), "%" PRIu64, number);
}

static int show_run(const struct show *show, struct log_view *view, const struct paint_box *box,
                    struct failure *reterr)
{
    AUTO(outcomes_clear) struct outcomes outcomes = {0};
    AUTO(timeline_clear)
    struct timeline timeline = {
        .box = box,
        .seq_columns = digits_of(view->run->last_seq) + (show->follow ? 2 : 0),
        .last_day = -1,
    };
    struct audit_record record;
    int got = 0;

    if (!show->json && !show->follow) {
        got = collect_outcomes(view, &outcomes, reterr);
        timeline.outcomes = &outcomes;
    }
    if (!show->json) {
        run_heading_print(box, view->run);
    }
    got = got < 0 ? got : log_view_rewind(view, reterr);
    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        show_record(show, &timeline, &record);
        got = 0;
        if (show->follow && record.seq == view->run->last_seq) {
            break;
        }
    }
    if (got == 0 && show->follow) {
        return follow(show, view, &timeline, reterr);
    }
    timeline_flush(&timeline);
    if (got == 0 && !show->json) {
        print_summary(box, view);
    }
    return got;
}

static int show_one(const struct show *show, struct log_view *view, const struct paint_box *box,
                    struct failure *reterr)
{
    struct audit_record record;
    int error = log_view_find(view, show->seq, &record, reterr);

    if (error == 0 && show->json) {
        print_json(&record);
    } else if (error == 0) {
        AUTO(text_buffer_clear) struct text_buffer run = {0};
        bool decides = record.kind == AUDIT_KIND_DECISION;

        record_page_print(box, &record);
        json_text_append(&run, record.run); /* the record goes with its line */
        error = decides ? results_print(box, view, text_buffer_text(&run), show->seq, reterr) : 0;
    }
    return error;
}

static int show_any(const struct show *show, struct log_view *view, const struct paint_box *box,
                    struct failure *reterr)
{
    if (view->index.unreadable > 0) {
        fprintf(stderr,
                "%s: %" PRIu64 " lines of this log are no records and are left out\n"
                "  try: failcore audit verify\n",
                command.name, view->index.unreadable);
    }
    if (show->runs) {
        run_list_print(box, &view->index, show->json);
        return 0;
    }
    if (show->has_seq) {
        return show_one(show, view, box, reterr);
    }
    if (view->run == NULL) {
        failure_set(reterr, -ENOENT, "there is no run in this log");
        failure_set_needed(reterr, "%s", view->path);
        failure_set_mend(reterr, "failcore run -- CMD");
        return -ENOENT;
    }
    return show->effects ? effects_print(box, view, show->json, reterr)
                         : show_run(show, view, box, reterr);
}

int verb_show(int argc, char **argv)
{
    struct show show = {.filter.since_ns = INT64_MIN};
    AUTO(log_view_close) struct log_view view = {0};
    struct paint_box box;
    struct failure failure = {0};
    int error = read_command_line(&show, argc, argv, &failure);

    if (error == 0 && paint_box_init(show.color, &box) < 0) {
        error = failure_set(&failure, -EINVAL, "--color is auto, always or never");
    }
    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (show.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    error = log_view_open_keeping(&view, show.audit, show.run, &failure);
    if (error == 0) {
        error = show_any(&show, &view, &box, &failure);
    }
    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
