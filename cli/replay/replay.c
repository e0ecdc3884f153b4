/*
 * failcore replay: recorded requests, decided again. Reads the log and policies, nothing else:
 * nothing is opened, connected to or executed on behalf of a record.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/log/log_view.h"
#include "cli/log/run_policy.h"
#include "cli/replay/differences.h"
#include "cli/replay/run_diff.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/inert_text.h"
#include "shared/base/option_table.h"

#define POLICIES_MOST 32

enum { OPTION_POLICY = 1, OPTION_AUDIT, OPTION_COLOR, OPTION_JSON, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_POLICY, 0, "policy", "NAME|FILE", "decide by this policy; may be repeated"},
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_COLOR, 0, "color", "auto|always|never", "when to use colour"},
    {OPTION_JSON, 0, "json", NULL, "one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore replay",
    .synopsis = "[--policy NAME|FILE]... [RUN|FILE], or: diff A B",
    .summary = "decide recorded requests again, by their own policy or another; touches nothing",
    .examples =
        "  failcore replay                       the last run: zero differences\n"
        "  failcore replay --policy new.yaml     what a new policy would change (77 if any)\n"
        "  failcore replay diff RUN RUN          what two runs did differently\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct replay {
    const char *policies[POLICIES_MOST];
    size_t policy_count;
    const char *operands[3];
    size_t operand_count;
    const char *audit;
    const char *color;
    bool json;
    bool help;
};

static int take_option(struct replay *replay, int id, const char *argument, struct failure *reterr)
{
    switch (id) {
    case OPTION_POLICY:
        if (replay->policy_count == POLICIES_MOST) {
            return failure_set(reterr, -EINVAL, "more than %d policies", POLICIES_MOST);
        }
        replay->policies[replay->policy_count++] = argument;
        return 0;
    case OPTION_AUDIT:
        replay->audit = argument;
        return 0;
    case OPTION_COLOR:
        replay->color = argument;
        return 0;
    case OPTION_JSON:
        replay->json = true;
        return 0;
    default:
        replay->help = true;
        return 0;
    }
}

static int read_command_line(struct replay *replay, int argc, char **argv, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    size_t most;
    int id;

    while (scan.next < argc) {
        while ((id = option_scan_next(&scan, reterr)) > 0) {
            if (take_option(replay, id, scan.argument, reterr) < 0) {
                return -EINVAL;
            }
        }
        if (id < 0) {
            return id;
        }
        if (scan.next < argc) {
            if (replay->operand_count == 3) {
                return failure_set(reterr, -EINVAL, "too many operands");
            }
            replay->operands[replay->operand_count++] = argv[scan.next++];
        }
    }
    most = replay->operand_count > 0 && strcmp(replay->operands[0], "diff") == 0 ? 3 : 1;
    if (replay->operand_count > most || (most == 3 && replay->operand_count != 3)) {
        failure_set(reterr, -EINVAL, most == 3 ? "diff wants two runs" : "more than one RUN");
        failure_set_mend(reterr, "%s --help", command.name);
        return -EINVAL;
    }
    return 0;
}

/* The run's own policy, as its START record has it. */
static int load_own(struct log_view *view, struct policy **ret_policy, struct failure *reterr)
{
    int error = run_policy_load(view, view->run, ret_policy, reterr);

    if (error == -ENOENT) {
        failure_set_mend(reterr, "name one: failcore replay --policy NAME|FILE");
    }
    return error;
}

static int decide_all(struct log_view *view, const struct policy *policy,
                      struct differences *differences, struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        struct decided_again again = decide_again(policy, &record);

        got = 0;
        if (again.by != DECIDED_BY_NOBODY) {
            got = differences_add(differences, &record, &again,
                                  again.by == DECIDED_BY_POLICY ? policy_rule_id(policy, again.rule)
                                                                : (struct str_view){0});
        }
        if (got < 0) {
            return failure_set(reterr, got, "cannot replay: no memory");
        }
    }
    return got;
}

static void print_heading(const struct run_entry *run, const struct policy *policy)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_append_text(&text, "run ");
    inert_text_append(&text, str_view_from(run->id), INERT_TERMINAL);
    text_buffer_append_text(&text, " by policy ");
    inert_text_append(&text, policy_name(policy), INERT_TERMINAL);
    text_buffer_append_char(&text, ' ');
    inert_text_append(&text, policy_revision(policy), INERT_TERMINAL);
    text_buffer_printf(&text, " (%s)\n", policy_hash(policy));
    fputs(text_buffer_text(&text), stdout);
}

static int replay_run(const struct replay *replay, const struct paint_box *box,
                      struct failure *reterr)
{
    AUTO(log_view_close) struct log_view view = {0};
    AUTO(policy_release) struct policy *policy = NULL;
    AUTO(differences_clear) struct differences differences = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error = log_view_open(&view, replay->audit, replay->operands[0], reterr);

    if (error == 0 && view.run == NULL) {
        error = failure_set(reterr, -ENOENT, "there is no run in this log");
        failure_set_needed(reterr, "%s", view.path);
    }
    if (error == 0) {
        error = replay->policy_count > 0
                    ? policy_load(replay->policies, replay->policy_count, &policy, reterr)
                    : load_own(&view, &policy, reterr);
        error = error == -EINVAL ? -EBADMSG : error;
    }
    if (error == 0) {
        error = decide_all(&view, policy, &differences, reterr);
    }
    if (error < 0) {
        return error;
    }
    if (replay->json) {
        differences_append_json(&text, &differences);
        fwrite(text_buffer_text(&text), 1, text.length, stdout);
    } else {
        print_heading(view.run, policy);
        differences_print(box, &differences);
    }
    return differences_count(&differences) > 0;
}

int verb_replay(int argc, char **argv)
{
    struct replay replay = {0};
    struct paint_box box;
    struct failure failure = {0};
    int result = read_command_line(&replay, argc, argv, &failure);

    if (result == 0 && paint_box_init(replay.color, &box) < 0) {
        result = failure_set(&failure, -EINVAL, "--color is auto, always or never");
    }
    if (result < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (replay.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    result = replay.operand_count == 3 ? run_diff(&box, replay.audit, replay.operands[1],
                                                  replay.operands[2], replay.json, &failure)
                                       : replay_run(&replay, &box, &failure);
    if (result < 0) {
        failure_print(stderr, command.name, &failure);
        return result == -EBADMSG && replay.policy_count > 0 ? EXIT_CODE_POLICY_INVALID
                                                             : EXIT_CODE_FAILCORE_FAILED;
    }
    return result == 0 ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}
