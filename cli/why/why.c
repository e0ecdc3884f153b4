/* failcore why: one record, told to a person. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/log/event_words.h"
#include "cli/log/log_view.h"
#include "cli/log/paint.h"
#include "cli/log/run_policy.h"
#include "cli/verbs.h"
#include "cli/why/near_rules.h"
#include "cli/why/remedy.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/inert_text.h"
#include "shared/base/option_table.h"

enum { OPTION_AUDIT = 1, OPTION_COLOR, OPTION_JSON, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_AUDIT, 0, "audit", "DIR", "the audit directory, or a file of records"},
    {OPTION_COLOR, 0, "color", "auto|always|never", "when to use colour"},
    {OPTION_JSON, 0, "json", NULL, "one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore why",
    .synopsis = "[OPTIONS] [RUN] [SEQ]",
    .summary = "what was attempted, why it was blocked, which rule, what would allow it",
    .examples = "  failcore why            the last refusal of the last run\n"
                "  failcore why 41         record 41, as `failcore show` numbers them\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct why {
    const char *audit;
    const char *color;
    const char *run;
    uint64_t seq;
    bool has_seq;
    bool json;
    bool help;
};

static bool is_number(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 20;
}

static int take_operand(struct why *why, const char *word, struct failure *reterr)
{
    if (is_number(word) && !why->has_seq) {
        why->seq = strtoull(word, NULL, 10);
        why->has_seq = true;
    } else if (why->run == NULL) {
        why->run = word;
    } else {
        return failure_set(reterr, -EINVAL, "one RUN and one SEQ, not more: %s", word);
    }
    return 0;
}

static int read_command_line(struct why *why, int argc, char **argv, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id;

    while (scan.next < argc) {
        while ((id = option_scan_next(&scan, reterr)) > 0) {
            switch (id) {
            case OPTION_AUDIT:
                why->audit = scan.argument;
                break;
            case OPTION_COLOR:
                why->color = scan.argument;
                break;
            case OPTION_JSON:
                why->json = true;
                break;
            default:
                why->help = true;
                break;
            }
        }
        if (id < 0) {
            return id;
        }
        if (scan.next < argc && take_operand(why, argv[scan.next++], reterr) < 0) {
            return -EINVAL;
        }
    }
    return 0;
}

/* The last refusal of the run. */
static int find_refusal(struct log_view *view, uint64_t *ret_seq, struct failure *reterr)
{
    struct audit_record record;
    bool found = false;
    int got = view->run == NULL ? 0 : log_view_rewind(view, reterr);

    while (got == 0 && (got = log_view_next(view, &record, reterr)) > 0) {
        if (record.has_status && record.status == AUDIT_STATUS_BLOCKED) {
            *ret_seq = record.seq;
            found = true;
        }
        got = 0;
    }
    if (got == 0 && !found) {
        failure_set(reterr, -ENOENT, "nothing was blocked in this run");
        failure_set_needed(reterr, "%s", view->run == NULL ? view->path : view->run->id);
        failure_set_mend(reterr, "failcore show");
        return -ENOENT;
    }
    return got;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void append_label(const struct paint_box *box, struct text_buffer *text, const char *label)
{
    paint_word(box, text, PAINT_DIM, label, 9);
}

static void append_line(const struct paint_box *box, struct text_buffer *text, const char *label,
                        struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    if (value.escaped.length > 0) {
        json_text_append(&decoded, value);
        append_label(box, text, label);
        inert_text_append(text, text_buffer_view(&decoded), INERT_TERMINAL);
        text_buffer_append_char(text, '\n');
    }
}

static void append_attempt(const struct paint_box *box, struct text_buffer *text,
                           const struct audit_record *record)
{
    AUTO(event_words_clear) struct event_words words = {0};

    event_words_set(&words, record);
    paint_begin(box, text, PAINT_BOLD);
    inert_text_append(text,
                      words.process.length > 0 ? text_buffer_view(&words.process)
                                               : STR_VIEW_LITERAL("the run"),
                      INERT_TERMINAL);
    text_buffer_append_text(text, record->status == AUDIT_STATUS_BLOCKED ? " tried to " : ": ");
    inert_text_append(text, text_buffer_view(&words.verb), INERT_TERMINAL);
    text_buffer_append_char(text, ' ');
    inert_text_append(text, text_buffer_view(&words.target), INERT_TERMINAL);
    if (words.target2.length > 0) {
        text_buffer_append_text(text, " → ");
        inert_text_append(text, text_buffer_view(&words.target2), INERT_TERMINAL);
    }
    paint_end(box, text, PAINT_BOLD);
    text_buffer_append_char(text, '\n');
}

static void append_verdict(const struct paint_box *box, struct text_buffer *text,
                           const struct audit_record *record)
{
    enum event_outcome outcome = event_outcome_of(record);
    enum denial_code code = denial_code_from(record->code);

    append_label(box, text, "outcome");
    if (outcome == OUTCOME_BLOCKED) {
        paint_word(box, text, PAINT_REFUSED, "BLOCKED", 0);
        text_buffer_printf(text, " by us, before it had any effect\n");
        append_line(box, text, "code", record->code);
        append_label(box, text, "");
        text_buffer_printf(text, "%s\n", denial_code_meaning(code));
    } else if (outcome == OUTCOME_FAILED) {
        paint_word(box, text, PAINT_FAILED, "FAIL", 0);
        text_buffer_printf(text,
                           ": it was allowed and failed by itself (%.*s); no rule is involved\n",
                           STR_VIEW_PRINTF(record->error));
    } else {
        text_buffer_printf(text, "%s\n",
                           outcome == OUTCOME_NOTE ? "a note, no request"
                                                   : event_outcome_word(outcome));
    }
}

/* "nearly: rule project (agent.yaml:5:7) allows read of this path" */
static void append_near(const struct paint_box *box, struct text_buffer *text,
                        const struct policy *policy, const struct near_rules *near)
{
    for (size_t i = 0; i < near->count; i++) {
        const struct near_rule *one = &near->rules[i];

        paint_word(box, text, PAINT_DIM, "nearly:", 0);
        text_buffer_append_text(text, " rule ");
        inert_text_append(text, policy_rule_id(policy, one->rule), INERT_TERMINAL);
        text_buffer_append_text(text, " (");
        inert_text_append(text, policy_rule_origin(policy, one->rule), INERT_TERMINAL);
        text_buffer_append_text(text, ") allows ");
        inert_text_append(text, text_buffer_view(&one->allows), INERT_TERMINAL);
        text_buffer_append_char(text, '\n');
    }
}

/* What is told of one record. */
struct telling {
    const struct audit_record *record;
    struct rule_place place;
    struct policy *policy; /* NULL: the log does not have it, or no refusal is told */
    struct near_rules near;
};

static void print_text(const struct paint_box *box, const struct telling *telling)
{
    const struct audit_record *record = telling->record;
    const struct rule_place *place = &telling->place;
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    append_attempt(box, &text, record);
    append_label(box, &text, "record");
    text_buffer_printf(&text, "%" PRIu64 ", %.*s\n", record->seq,
                       STR_VIEW_PRINTF(record->timestamp));
    append_line(box, &text, "program", record->actor.exe);
    append_verdict(box, &text, record);
    append_line(box, &text, "reason", record->reason);
    append_line(box, &text, "rule", record->policy.rule);
    if (place->origin[0] != '\0') {
        append_label(box, &text, "at");
        inert_text_append(&text, str_view_from(place->origin), INERT_TERMINAL);
        text_buffer_append_char(&text, '\n');
    }
    append_line(box, &text, "policy", record->policy.name);
    append_near(box, &text, telling->policy, &telling->near);
    if (event_outcome_of(record) == OUTCOME_BLOCKED) {
        text_buffer_append_char(&text, '\n');
        paint_word(box, &text, PAINT_BOLD, "what would allow it\n", 0);
        append_remedy(&text, record);
    }
    fwrite(text_buffer_text(&text), 1, text.length, stdout);
}

static void append_member(struct text_buffer *text, const char *name, struct str_view value)
{
    text_buffer_printf(text, ",\"%s\":", name);
    text_buffer_append_json_string(text, value);
}

static void append_json_member(struct text_buffer *text, const char *name, struct json_text value)
{
    AUTO(text_buffer_clear) struct text_buffer decoded = {0};

    json_text_append(&decoded, value);
    append_member(text, name, text_buffer_view(&decoded));
}

static void append_json_near(struct text_buffer *text, const struct policy *policy,
                             const struct near_rules *near)
{
    text_buffer_append_text(text, ",\"nearly\":[");
    for (size_t i = 0; i < near->count; i++) {
        text_buffer_append_text(text, i == 0 ? "{\"rule\":" : ",{\"rule\":");
        text_buffer_append_json_string(text, policy_rule_id(policy, near->rules[i].rule));
        append_member(text, "rule_origin", policy_rule_origin(policy, near->rules[i].rule));
        append_member(text, "allows", text_buffer_view(&near->rules[i].allows));
        text_buffer_append_char(text, '}');
    }
    text_buffer_append_char(text, ']');
}

static void print_json(const struct telling *telling)
{
    const struct audit_record *record = telling->record;
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer remedy = {0};
    AUTO(event_words_clear) struct event_words words = {0};
    enum denial_code code = denial_code_from(record->code);

    event_words_set(&words, record);
    text_buffer_printf(&text, "{\"seq\":%" PRIu64, record->seq);
    append_json_member(&text, "run", record->run);
    append_member(&text, "timestamp", record->timestamp);
    append_member(&text, "process", text_buffer_view(&words.process));
    append_member(&text, "operation", text_buffer_view(&words.verb));
    append_member(&text, "target", text_buffer_view(&words.target));
    append_member(&text, "target2", text_buffer_view(&words.target2));
    append_member(&text, "status",
                  str_view_from(record->has_status ? audit_status_word(record->status) : ""));
    append_json_member(&text, "code", record->code);
    append_member(&text, "meaning", str_view_from(denial_code_meaning(code)));
    append_json_member(&text, "reason", record->reason);
    append_json_member(&text, "rule", record->policy.rule);
    append_member(&text, "rule_origin", str_view_from(telling->place.origin));
    append_json_member(&text, "policy", record->policy.name);
    append_json_near(&text, telling->policy, &telling->near);
    if (event_outcome_of(record) == OUTCOME_BLOCKED) {
        append_remedy(&remedy, record);
    }
    append_member(&text, "remedy", text_buffer_view(&remedy));
    text_buffer_append_char(&text, '}');
    puts(text_buffer_text(&text));
}

static int tell(const struct why *why, struct log_view *view, const struct paint_box *box,
                struct failure *reterr)
{
    uint64_t seq = why->seq;
    struct audit_record record;
    struct telling telling = {.record = &record};
    struct failure ignored = {0}; /* without its policy the refusal is told all the same */
    AUTO_FREE char *line = NULL;
    int error = why->has_seq ? 0 : find_refusal(view, &seq, reterr);

    if (error == 0) {
        error = log_view_find(view, seq, &record, reterr);
    }
    if (error < 0) {
        return error;
    }
    /* The record points into the reader, which goes on to the run's START. */
    line = strndup(record.line.bytes, record.line.length);
    if (line == NULL ||
        audit_record_read((struct str_view){line, record.line.length}, &record, NULL) < 0) {
        return failure_set(reterr, -ENOMEM, "cannot tell: no memory");
    }
    rule_place_find(view, &record, &telling.place);
    if (event_outcome_of(&record) == OUTCOME_BLOCKED &&
        record_policy_load(view, &record, &telling.policy, &ignored) == 0) {
        near_rules_find(telling.policy, &record, &telling.near);
    }
    if (why->json) {
        print_json(&telling);
    } else {
        print_text(box, &telling);
    }
    near_rules_clear(&telling.near);
    policy_unref(telling.policy);
    return 0;
}

int verb_why(int argc, char **argv)
{
    struct why why = {0};
    AUTO(log_view_close) struct log_view view = {0};
    struct paint_box box;
    struct failure failure = {0};
    int error = read_command_line(&why, argc, argv, &failure);

    if (error == 0 && paint_box_init(why.color, &box) < 0) {
        error = failure_set(&failure, -EINVAL, "--color is auto, always or never");
    }
    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (why.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    error = log_view_open(&view, why.audit, why.run, &failure);
    if (error == 0) {
        error = tell(&why, &view, &box, &failure);
    }
    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
