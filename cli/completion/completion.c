/* failcore completion: a script for the shell, and the answers that the script asks for. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/completion/candidates.h"
#include "cli/completion/scripts.h"
#include "cli/verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/option_table.h"

enum { OPTION_ANSWER = 1, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_ANSWER, 0, "answer", NULL, NULL}, /* PROGRAM WORD...: what may be the last word */
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore completion",
    .synopsis = "bash|zsh|fish",
    .summary = "a script that completes our command lines, for the shell to read",
    .examples = "  source <(failcore completion bash)\n"
                "  failcore completion fish > ~/.config/fish/completions/failcore.fish\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static int usage(struct failure *failure)
{
    failure_set_mend(failure, "%s --help", command.name);
    failure_print(stderr, command.name, failure);
    return EXIT_CODE_USAGE;
}

static int answer(int argc, char **argv)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    const char *program = strrchr(argv[0], '/');

    argv[0] += program == NULL ? 0 : program - argv[0] + 1;
    candidates_append(&text, (const char *const *)argv, (size_t)argc);
    fputs(text_buffer_text(&text), stdout);
    return EXIT_CODE_OK;
}

static const struct completion_script *find_script(const char *shell)
{
    for (size_t i = 0; i < completion_script_count; i++) {
        if (strcmp(shell, completion_scripts[i].shell) == 0) {
            return &completion_scripts[i];
        }
    }
    return NULL;
}

int verb_completion(int argc, char **argv)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    const struct completion_script *script;
    struct failure failure = {0};
    bool answers = false;
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, &command);
            return EXIT_CODE_OK;
        }
        answers = true;
    }
    if (id < 0) {
        return usage(&failure);
    }
    if (answers) {
        return argc - scan.next < 2 ? EXIT_CODE_USAGE : answer(argc - scan.next, argv + scan.next);
    }
    if (scan.next + 1 != argc) {
        failure_set(&failure, -EINVAL, "name one shell: bash, zsh or fish");
        return usage(&failure);
    }
    script = find_script(argv[scan.next]);
    if (script == NULL) {
        failure_set(&failure, -EINVAL, "no completion for this shell: %s", argv[scan.next]);
        return usage(&failure);
    }
    fwrite(script->text, 1, script->length, stdout);
    return EXIT_CODE_OK;
}
