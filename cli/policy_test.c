/* failcore policy test: the cases that a policy brings, in `tests:` and in NAME.expect beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"
#include "shared/policy/decision_table.h"
#include "shared/policy/policy_load.h"
#include "shared/policy/policy_source.h"

#define TABLE_BYTES_MAX ((size_t)16 << 20)

enum { OPTION_JSON = 1, OPTION_TABLE, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_TABLE, 0, "table", "FILE", "a decision table of your own, instead of NAME.expect"},
    {OPTION_JSON, 0, "json", NULL, "one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore policy test",
    .synopsis = "[--json] [--table FILE] NAME|FILE",
    .summary = "runs the cases a policy brings: exit 0 when all hold, 77 when one does not",
    .examples = "  failcore policy test safe\n"
                "  failcore policy test --table mine.expect agent.yaml\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct tally {
    const struct policy *policy;
    bool json;
    struct text_buffer failures; /* JSON objects, or lines */
    size_t rows;
    size_t failed;
};

static void report(struct tally *tally, const char *where, size_t line,
                   const struct expectation *expectation, const struct answer *answer)
{
    struct decision decision = answer->decision;
    static const char *const words[] = {"deny", "hide", "log", "allow"};
    struct str_view got = policy_rule_id(tally->policy, decision.rule);

    tally->failed++;
    if (tally->json) {
        text_buffer_append_text(&tally->failures, tally->failed == 1 ? "" : ",");
        text_buffer_append_text(&tally->failures, "{\"at\":");
        text_buffer_append_json_string(&tally->failures, str_view_from(where));
        text_buffer_printf(&tally->failures, ",\"line\":%zu,\"expected\":\"%s\",\"got\":\"%s\"",
                           line, words[expectation->verdict], words[decision.verdict]);
        append_member_json(&tally->failures, "rule", got);
        text_buffer_append_char(&tally->failures, '}');
        return;
    }
    printf("%s:%zu: expected %s%s%.*s%s%.*s, got %s by %.*s%s%s\n", where, line,
           words[expectation->verdict], expectation->rule.length > 0 ? " by " : "",
           STR_VIEW_PRINTF(expectation->rule), expectation->code.length > 0 ? " with " : "",
           STR_VIEW_PRINTF(expectation->code), words[decision.verdict], STR_VIEW_PRINTF(got),
           decision.code == DENIAL_NONE ? "" : " with ", denial_code_word(decision.code));
}

static void run(struct tally *tally, const char *where, const struct expectation *expectation)
{
    struct answer answer;

    tally->rows++;
    if (!expectation_holds(tally->policy, expectation, &answer)) {
        report(tally, where, expectation->line, expectation, &answer);
    }
}

static int run_tests_section(struct tally *tally, struct failure *reterr)
{
    const struct model *model = policy_model(tally->policy);

    for (size_t i = 0; i < model->test_count; i++) {
        const struct policy_test *test = &model->tests[i];
        struct expectation expectation = {
            .verdict = test->expect_allow ? VERDICT_ALLOW : VERDICT_DENY,
            .any_refusal = true,
            .rule = test->rule,
            .line = test->origin.line,
        };
        const char *kind = test->section == SECTION_FILESYSTEM ? "fs"
                           : test->section == SECTION_NETWORK  ? "net"
                                                               : "exec";
        int error = question_parse(str_view_from(kind), test->operation, test->subject,
                                   &expectation.question, reterr);

        if (error < 0) {
            failure_set_needed(reterr, "%s:%u:%u", test->origin.file, test->origin.line,
                               test->origin.column);
            return error;
        }
        run(tally, test->origin.file, &expectation);
    }
    return 0;
}

static int run_table(struct tally *tally, const char *path, bool must_exist, struct failure *reterr)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(arena_clear) struct arena arena = {0};
    struct document_source source = {.file = path};
    struct expectation *rows;
    size_t count;
    int error;

    if (fd < 0) {
        error = -errno;
        return error == -ENOENT && !must_exist
                   ? 0
                   : failure_set(reterr, error, "cannot read %s: %s", path, strerror(-error));
    }
    error = read_to_end(fd, TABLE_BYTES_MAX, &text);
    if (error < 0) {
        return failure_set(reterr, error, "cannot read %s: %s", path, strerror(-error));
    }
    error = decision_table_parse(text_buffer_view(&text), &source, &arena, &rows, &count, reterr);
    for (size_t i = 0; error == 0 && i < count; i++) {
        run(tally, path, &rows[i]);
    }
    return error;
}

/* NAME.expect where NAME.yaml is. */
static int find_table(const char *word, char path[static PATH_MAX], struct failure *reterr)
{
    struct policy_directories directories = policy_directories_default();
    AUTO(policy_bytes_clear) struct policy_bytes bytes = {0};
    size_t length;
    int error = policy_source_read(word, "", &directories, &bytes, reterr);

    if (error < 0) {
        return error;
    }
    length = strlen(bytes.path);
    while (length > 0 && bytes.path[length - 1] != '.' && bytes.path[length - 1] != '/') {
        length--;
    }
    if (length == 0 || bytes.path[length - 1] == '/' ||
        snprintf(path, PATH_MAX, "%.*sexpect", (int)length, bytes.path) >= PATH_MAX) {
        path[0] = '\0';
    }
    return 0;
}

static int run_all(struct tally *tally, const char *word, const char *table, struct failure *reterr)
{
    char path[PATH_MAX] = "";
    int error = run_tests_section(tally, reterr);

    if (error == 0 && table != NULL) {
        return run_table(tally, table, true, reterr);
    }
    if (error == 0 && strcmp(word, "-") != 0) {
        error = find_table(word, path, reterr);
    }
    return error < 0 || path[0] == '\0' ? error : run_table(tally, path, false, reterr);
}

static int test(const char *word, const char *table, bool json)
{
    AUTO(policy_release) struct policy *policy = NULL;
    struct tally tally = {.json = json};
    struct failure failure = {0};
    int error = policy_load(&word, 1, &policy, &failure);

    tally.policy = policy;
    if (error == 0) {
        error = run_all(&tally, word, table, &failure);
    }
    if (error == 0 && tally.rows == 0) {
        error = failure_set(&failure, -EINVAL, "%s brings no cases to test", word);
        failure_set_mend(&failure, "add tests: to it, or a table beside it");
    }
    if (error < 0) {
        text_buffer_clear(&tally.failures);
        return policy_load_failed(command.name, error, &failure);
    }
    if (json) {
        printf("{\"cases\":%zu,\"failed\":%zu,\"failures\":[%s]}\n", tally.rows, tally.failed,
               text_buffer_text(&tally.failures));
    } else {
        printf("%s: %zu cases, %zu failed\n", word, tally.rows, tally.failed);
    }
    text_buffer_clear(&tally.failures);
    return tally.failed == 0 ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}

int verb_policy_test(int argc, char **argv)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    const char *table = NULL;
    bool json = false;
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        switch (id) {
        case OPTION_HELP:
            command_table_print_help(stdout, &command);
            return EXIT_CODE_OK;
        case OPTION_TABLE:
            table = scan.argument;
            break;
        default:
            json = true;
        }
    }
    if (id == 0 && scan.next + 1 != argc) {
        id = failure_set(&failure, -EINVAL, "name one policy");
        failure_set_mend(&failure, "failcore policy test %s", command.synopsis);
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    return test(argv[scan.next], table, json);
}
