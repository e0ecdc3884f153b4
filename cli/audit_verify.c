/* failcore audit verify [DIR|FILE] */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/audit_verbs.h"
#include "shared/audit/directory.h"
#include "shared/audit/verify.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/option_table.h"
#include "shared/base/text_buffer.h"

enum { OPTION_JSON = 1, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_JSON, 0, "json", NULL, "one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore audit verify",
    .synopsis = "[--json] [DIR|FILE]",
    .summary = "is every record there, unchanged and in order",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static void print_text(const struct audit_verdict *verdict, const char *path)
{
    if (!verdict->intact) {
        printf("TAMPERED: %s: seq %" PRIu64 ": %s\n", path, verdict->bad_seq, verdict->why);
        return;
    }
    printf("intact: %s: %" PRIu64 " records in %" PRIu64 " segments\n", path, verdict->records,
           verdict->segments);
    if (verdict->torn_bytes > 0) {
        printf("the last line was never finished (%" PRIu64 " bytes): the writer was killed, or is "
               "writing\n",
               verdict->torn_bytes);
    }
}

static void print_json(const struct audit_verdict *verdict, const char *path)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_printf(&text, "{\"intact\":%s,\"path\":", verdict->intact ? "true" : "false");
    text_buffer_append_json_string(&text, str_view_from(path));
    text_buffer_printf(&text,
                       ",\"records\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"torn_bytes\":%" PRIu64
                       ",\"head\":\"%s\"",
                       verdict->records, verdict->segments, verdict->torn_bytes, verdict->head);
    if (!verdict->intact) {
        text_buffer_printf(&text, ",\"bad_seq\":%" PRIu64 ",\"why\":", verdict->bad_seq);
        text_buffer_append_json_string(&text, str_view_from(verdict->why));
    }
    text_buffer_append_char(&text, '}');
    puts(text_buffer_text(&text));
}

int verb_audit_verify(int argc, char **argv)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    struct audit_verdict verdict;
    char standard[PATH_MAX];
    const char *path = standard;
    bool json = false;
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, &command);
            return EXIT_CODE_OK;
        }
        json = true;
    }
    if (id == 0 && argc > scan.next + 1) {
        id = failure_set(&failure, -EINVAL, "too many operands");
        failure_set_mend(&failure, "%s --help", command.name);
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (scan.next < argc) {
        path = argv[scan.next];
    } else if (audit_directory_default(standard, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (audit_verify(path, &verdict, &failure) < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    if (json) {
        print_json(&verdict, path);
    } else {
        print_text(&verdict, path);
    }
    return verdict.intact ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}
