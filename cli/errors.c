/* failcore errors: the two tables of codes, as people or programs read them. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_call.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/text_buffer.h"
#include "shared/policy/denial_codes.h"

struct exit_row {
    const char *word;
    int number;
    const char *meaning;
    const char *mend;
};

static const struct exit_row exit_rows[] = {
#define EXIT_ROW(name, number, meaning, mend) {#name, number, meaning, mend},
    EXIT_CODE_TABLE(EXIT_ROW)
#undef EXIT_ROW
};
#define EXIT_ROW_COUNT (sizeof(exit_rows) / sizeof(exit_rows[0]))

static const struct command_table command = {
    .name = "failcore errors",
    .synopsis = "[--json]",
    .summary = "every denial code and exit code with its meaning and mend",
    .options = json_call_options,
    .option_count = 2,
};

static const char *errno_word(int error)
{
    return error == 0 ? "-" : strerrorname_np(error);
}

static void print_text(void)
{
    puts("denial codes");
    for (enum denial_code code = 1; code < DENIAL_CODE_COUNT; code++) {
        printf("  %-18s %-7s %s\n  %-18s %-7s try: %s\n", denial_code_word(code),
               errno_word(denial_code_errno(code)), denial_code_meaning(code), "", "",
               denial_code_mend(code));
    }
    puts("\nexit codes");
    for (size_t i = 0; i < EXIT_ROW_COUNT; i++) {
        printf("  %-4d %s%s%s\n", exit_rows[i].number, exit_rows[i].meaning,
               exit_rows[i].mend[0] == '\0' ? "" : "; ", exit_rows[i].mend);
    }
    puts("  else the command's own; 128+n when a signal n ended it");
}

static void append_member(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_printf(text, ",\"%s\":", name);
    text_buffer_append_json_string(text, str_view_from(value));
}

static int print_json(void)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_append_text(&text, "{\"denial_codes\":[");
    for (enum denial_code code = 1; code < DENIAL_CODE_COUNT; code++) {
        text_buffer_append_text(&text, code == 1 ? "{\"code\":" : ",{\"code\":");
        text_buffer_append_json_string(&text, str_view_from(denial_code_word(code)));
        append_member(&text, "errno", errno_word(denial_code_errno(code)));
        append_member(&text, "meaning", denial_code_meaning(code));
        append_member(&text, "mend", denial_code_mend(code));
        text_buffer_append_char(&text, '}');
    }
    text_buffer_append_text(&text, "],\"exit_codes\":[");
    for (size_t i = 0; i < EXIT_ROW_COUNT; i++) {
        text_buffer_printf(&text, "%s{\"exit\":%d", i == 0 ? "" : ",", exit_rows[i].number);
        append_member(&text, "name", exit_rows[i].word);
        append_member(&text, "meaning", exit_rows[i].meaning);
        append_member(&text, "mend", exit_rows[i].mend);
        text_buffer_append_char(&text, '}');
    }
    text_buffer_append_text(&text, "]}");
    if (text_buffer_error(&text) < 0) {
        return text_buffer_error(&text);
    }
    puts(text_buffer_text(&text));
    return 0;
}

int verb_errors(int argc, char **argv)
{
    struct json_call call;
    int code = json_call_scan(&command, argc, argv, 0, 0, &call);

    if (code != JSON_CALL_GO_ON) {
        return code;
    }
    if (call.json) {
        return print_json() < 0 ? EXIT_CODE_FAILCORE_FAILED : EXIT_CODE_OK;
    }
    print_text();
    return EXIT_CODE_OK;
}
