/* failcore policy import: a policy of an older dialect in this one's words, on standard output. */
#include "shared/policy/policy_import.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/policy_verbs.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"

#define DROPS_MAX 64

enum { OPTION_DROP = 1, OPTION_ROOT, OPTION_TOOLS, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_DROP, 0, "drop", "KEY", "leave a key out that cannot be expressed, on the record"},
    {OPTION_ROOT, 0, "root", "DIR", "the absolute directory that the mount root stands for"},
    {OPTION_TOOLS, 0, "tools", "MAP", "YAML file: tool name to executable"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore policy import",
    .synopsis = "[--drop KEY]... [--root DIR] [--tools MAP] FILE|-",
    .summary = "reads two older dialects; exit 65 names every key that cannot be expressed",
    .examples = "  failcore policy import --root /app old.json > agent.yaml\n"
                "  failcore policy import --drop max_cost_usd --drop pii_redaction old.yaml\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static void complain(void *context, const struct failure *complaint)
{
    (void)context;
    failure_print(stderr, command.name, complaint);
}

static int read_text(const char *path, struct text_buffer *text, struct failure *reterr)
{
    AUTO_CLOSE int fd =
        strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? -errno : read_to_end(fd, DOCUMENT_BYTES_MAX, text);

    if (error < 0) {
        failure_set(reterr, error, "cannot read %s: %s", path, strerror(-error));
        failure_set_mend(reterr, "look at the path and its mode");
    }
    return error;
}

/* What we print is a policy that loads, or we say why not. */
static int print_checked(const struct text_buffer *text)
{
    AUTO(policy_release) struct policy *policy = NULL;
    struct failure failure = {0};
    AUTO_CLOSE int fd = memory_file_from("policy", text_buffer_text(text), text->length);
    char path[64];
    const char *word = path;
    int error;

    if (fd < 0 || fchmod(fd, S_IRUSR) < 0) {
        failure_set(&failure, fd, "cannot make a memory file: %s", strerror(-fd));
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    error = policy_load(&word, 1, &policy, &failure);
    if (error < 0) {
        return policy_load_failed(command.name, error, &failure);
    }
    fputs(text_buffer_text(text), stdout);
    return EXIT_CODE_OK;
}

static int import(const char *path, struct import_options *import_options)
{
    AUTO(text_buffer_clear) struct text_buffer input = {0};
    AUTO(text_buffer_clear) struct text_buffer tools = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct document_source source = {.file = path};
    struct failure failure = {0};
    int result = read_text(path, &input, &failure);

    if (result == 0 && import_options->tools_file != NULL) {
        result = read_text(import_options->tools_file, &tools, &failure);
        import_options->tools = text_buffer_view(&tools);
    }
    if (result == 0) {
        result = policy_import(text_buffer_view(&input), &source, import_options, complain, NULL,
                               &text, &failure);
    }
    if (result < 0) {
        return policy_load_failed(command.name, result, &failure);
    }
    if (result > 0) {
        fprintf(stderr, "%s: %d keys cannot be expressed; nothing was written\n", command.name,
                result);
        return EXIT_CODE_POLICY_INVALID;
    }
    return print_checked(&text);
}

int verb_policy_import(int argc, char **argv)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    struct failure failure = {0};
    const char *drops[DROPS_MAX];
    struct import_options import_options = {.drops = drops};
    int id;

    while ((id = option_scan_next(&scan, &failure)) > 0) {
        if (id == OPTION_HELP) {
            command_table_print_help(stdout, &command);
            return EXIT_CODE_OK;
        }
        if (id == OPTION_DROP && import_options.drop_count < DROPS_MAX) {
            drops[import_options.drop_count++] = scan.argument;
        } else if (id == OPTION_ROOT) {
            import_options.root = scan.argument;
        } else if (id == OPTION_TOOLS) {
            import_options.tools_file = scan.argument;
        }
    }
    if (id == 0 && scan.next + 1 != argc) {
        id = failure_set(&failure, -EINVAL, "name one file");
        failure_set_mend(&failure, "failcore policy import %s", command.synopsis);
    }
    if (id < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    return import(argv[scan.next], &import_options);
}
