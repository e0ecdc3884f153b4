/*
 * failcore policy learn RUN: the least policy that would have allowed what the run was permitted.
 *
 * Written, loaded, and held against the run: what it would refuse is looked at again, name by
 * name, until nothing is left or no more can be done (SR12 ties names that traded places together
 * in ways that patterns alone do not show).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/learn/policy_text.h"
#include "cli/log/log_view.h"
#include "cli/log/sensitive.h"
#include "cli/policy_verbs.h"
#include "cli/replay/decide_again.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"

#define ROUNDS_MOST 8

enum { OPTION_AUDIT = 1, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore policy learn",
    .synopsis = "[--audit DIR] RUN",
    .summary = "the least policy that would have allowed a run, with the records behind each line",
    .examples = "  failcore run --shadow -- CMD && failcore policy learn last > learned.yaml\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct learn {
    struct log_view view;
    struct observations observations;
    struct patterns patterns;
    struct text_buffer text;
};

static void learn_clear(struct learn *learn)
{
    log_view_close(&learn->view);
    observations_clear(&learn->observations);
    patterns_clear(&learn->patterns);
    text_buffer_clear(&learn->text);
}

static int observe(struct learn *learn, struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(&learn->view, reterr);

    while (got == 0 && (got = log_view_next(&learn->view, &record, reterr)) > 0) {
        got = observations_add(&learn->observations, &record);
        if (got < 0) {
            return failure_set(reterr, got, "cannot learn: no memory");
        }
    }
    return got;
}

/* From memory, by the way that every policy file takes. */
static int load(const struct text_buffer *text, struct policy **ret_policy, struct failure *reterr)
{
    AUTO_CLOSE int fd = memory_file_from("learned", text->bytes, text->length);
    char path[64];
    const char *word = path;

    if (fd < 0 || fchmod(fd, S_IRUSR) < 0) {
        return failure_set(reterr, fd < 0 ? fd : -errno, "cannot keep the policy in memory");
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return policy_load(&word, 1, ret_policy, reterr);
}

static unsigned int permitted(const struct policy *policy, struct str_view path)
{
    const struct policy_state *state = policy_path_walk(policy, path);
    unsigned int operations = 0;

    for (int i = 0; i < FS_LOOKUP; i++) {
        if (i != FS_LIST &&
            decision_permits(policy_decide_fs(policy, state, (enum fs_operation)i))) {
            operations |= 1U << i;
        }
    }
    policy_state_unref(state);
    return operations;
}

static unsigned int operation_bit(struct json_text word)
{
    for (int i = 0; i < FS_LOOKUP; i++) {
        if (json_text_equals(word, str_view_from(fs_operation_word((enum fs_operation)i)))) {
            return 1U << i;
        }
    }
    return 0;
}

/* Gives both names of the refused request all that either has, and what it asked for. */
static int widen(struct learn *learn, const struct policy *policy,
                 const struct audit_record *record)
{
    AUTO(text_buffer_clear) struct text_buffer from = {0};
    AUTO(text_buffer_clear) struct text_buffer to = {0};
    unsigned int operations = operation_bit(record->call.op);

    record_bytes_append(&from, &record->call.path);
    record_bytes_append(&to, &record->call.path2);
    if (path_sensitivity(text_buffer_view(&from), true) != NULL ||
        path_sensitivity(text_buffer_view(&to), true) != NULL) {
        return 0;
    }
    operations |= permitted(policy, text_buffer_view(&from));
    if (to.length > 0) {
        operations |= permitted(policy, text_buffer_view(&to));
        if (patterns_add_name(&learn->patterns, text_buffer_view(&to), operations, record->seq) <
            0) {
            return -ENOMEM;
        }
    }
    return patterns_add_name(&learn->patterns, text_buffer_view(&from), operations, record->seq);
}

/* How many permitted file requests the policy would refuse; each is widened. */
static int hold_against_run(struct learn *learn, const struct policy *policy, uint64_t *ret_refused,
                            struct failure *reterr)
{
    struct audit_record record;
    int got = log_view_rewind(&learn->view, reterr);

    *ret_refused = 0;
    while (got == 0 && (got = log_view_next(&learn->view, &record, reterr)) > 0) {
        struct decided_again again = decide_again(policy, &record);

        got = 0;
        if (again.by == DECIDED_BY_POLICY && record.source == AUDIT_SOURCE_FS &&
            record.policy.decision != AUDIT_DECISION_BLOCKED &&
            again.decision == AUDIT_DECISION_BLOCKED && record.call.path.hex.bytes == NULL &&
            record.call.path2.hex.bytes == NULL) {
            size_t before = learn->patterns.rows.count;

            if (widen(learn, policy, &record) < 0) {
                return failure_set(reterr, -ENOMEM, "cannot learn: no memory");
            }
            *ret_refused +=
                learn->patterns.rows.count > before || again.code == DENIAL_RENAME_ESCAPE;
        }
    }
    return got;
}

static int write_and_check(struct learn *learn, struct failure *reterr)
{
    uint64_t refused = 1;
    int error = 0;

    for (int round = 0; round < ROUNDS_MOST && refused > 0 && error == 0; round++) {
        AUTO(policy_release) struct policy *policy = NULL;
        struct patterns fresh = {0};

        text_buffer_reset(&learn->text);
        policy_text_append(&learn->text, learn->view.run, &learn->observations, &learn->patterns);
        if (text_buffer_error(&learn->text) < 0) {
            return failure_set(reterr, -ENOMEM, "cannot learn: no memory");
        }
        /* Sorted for writing: new rows need a table that finds its keys again. */
        for (size_t i = 0; i < learn->patterns.rows.count && error == 0; i++) {
            const struct tally_row *row = learn->patterns.rows.rows[i];
            struct tally_row *copy = tally_at(&fresh.rows, row->key);

            error = copy == NULL ? -ENOMEM : 0;
            if (copy != NULL) {
                memcpy(copy->numbers, row->numbers, sizeof(copy->numbers));
                copy->first_seq = row->first_seq;
                copy->last_seq = row->last_seq;
            }
        }
        patterns_clear(&learn->patterns);
        learn->patterns = fresh;
        error = error < 0 ? failure_set(reterr, error, "cannot learn: no memory")
                          : load(&learn->text, &policy, reterr);
        error = error < 0 ? error : hold_against_run(learn, policy, &refused, reterr);
    }
    return error;
}

static int learn_run(const char *audit, const char *run, struct failure *reterr)
{
    AUTO(learn_clear) struct learn learn = {0};
    int error = log_view_open(&learn.view, audit, run, reterr);

    if (error == 0 && learn.view.run == NULL) {
        error = failure_set(reterr, -ENOENT, "there is no run in this log");
        failure_set_needed(reterr, "%s", learn.view.path);
    }
    if (error == 0) {
        error = observe(&learn, reterr);
    }
    if (error == 0) {
        error = patterns_make(&learn.observations, &learn.patterns);
        error = error < 0 ? failure_set(reterr, error, "cannot learn: no memory") : 0;
    }
    if (error == 0) {
        error = write_and_check(&learn, reterr);
    }
    if (error == 0) {
        fwrite(text_buffer_text(&learn.text), 1, learn.text.length, stdout);
    }
    return error;
}

int verb_policy_learn(int argc, char **argv)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    const char *audit = NULL;
    const char *run = NULL;
    int id = 0;

    while (scan.next < argc && id >= 0) {
        while ((id = option_scan_next(&scan, &failure)) > 0) {
            if (id == OPTION_HELP) {
                command_table_print_help(stdout, &command);
                return EXIT_CODE_OK;
            }
            audit = scan.argument;
        }
        if (id == 0 && scan.next < argc) {
            id = run == NULL ? 0 : failure_set(&failure, -EINVAL, "more than one RUN");
            run = argv[scan.next++];
        }
    }
    if (id == 0 && run == NULL) {
        id = failure_set(&failure, -EINVAL, "which run?");
        failure_set_mend(&failure, "failcore policy learn last");
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (learn_run(audit, run, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
