/* failcore audit verify [--key PUB] [--pin CHECKPOINT]... [--strict] [--json] [DIR|FILE] */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/audit_verbs.h"
#include "shared/audit/directory.h"
#include "shared/audit/pin.h"
#include "shared/audit/verify.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/inert_text.h"
#include "shared/base/option_table.h"
#include "shared/base/text_buffer.h"

#define PINS_MAX 64U

enum { OPTION_JSON = 1, OPTION_KEY, OPTION_PIN, OPTION_STRICT, OPTION_HELP };
static const struct option_row options[] = {
    {OPTION_KEY, 0, "key", "PUB", "the verifier key that was kept, as a file or as text"},
    {OPTION_PIN, 0, "pin", "CHECKPOINT", "an older checkpoint of this log, kept elsewhere"},
    {OPTION_STRICT, 0, "strict", NULL, "also fail when records are unsigned or no pin is there"},
    {OPTION_JSON, 0, "json", NULL, "one JSON object"},
    {OPTION_HELP, 'h', "help", NULL, "this text"},
};
static const struct command_table command = {
    .name = "failcore audit verify",
    .synopsis = "[OPTIONS] [DIR|FILE]",
    .summary = "is every record there, unchanged and in order",
    .examples = "  failcore audit verify\n"
                "  failcore audit pin > /mnt/elsewhere/pin; failcore audit verify --pin "
                "/mnt/elsewhere/pin\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct arguments {
    struct audit_verify_options verify;
    const char *pins[PINS_MAX + 1]; /* one more for the kept pin */
    char standard[PATH_MAX];
    char kept_pin[PATH_MAX];
    unsigned int kept_uid;
    bool has_kept_pin;
    bool strict;
    bool json;
    bool help;
};

static int parse(int argc, char **argv, struct arguments *arguments, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(&command, argc, argv);
    int id;

    while ((id = option_scan_next(&scan, reterr)) > 0) {
        if (id == OPTION_PIN && arguments->verify.pin_count == PINS_MAX) {
            return failure_set(reterr, -EINVAL, "too many pins");
        }
        if (id == OPTION_PIN) {
            arguments->pins[arguments->verify.pin_count++] = scan.argument;
        } else if (id == OPTION_KEY) {
            arguments->verify.key = scan.argument;
        }
        arguments->strict |= id == OPTION_STRICT;
        arguments->json |= id == OPTION_JSON;
        arguments->help |= id == OPTION_HELP;
    }
    if (id < 0) {
        return id;
    }
    if (argc > scan.next + 1) {
        failure_set_mend(reterr, "%s --help", command.name);
        return failure_set(reterr, -EINVAL, "too many operands");
    }
    arguments->verify.path = scan.next < argc ? argv[scan.next] : NULL;
    return 0;
}

/* The pin that the launcher kept for this log by itself is always asked. */
static void add_kept_pin(struct arguments *arguments)
{
    if (audit_pin_find(arguments->verify.path, arguments->kept_pin, &arguments->kept_uid) == 0) {
        arguments->pins[arguments->verify.pin_count++] = arguments->kept_pin;
        arguments->has_kept_pin = true;
    }
    arguments->verify.pins = arguments->pins;
}

static bool kept_pin_is_foreign(const struct arguments *arguments)
{
    struct stat status;

    return arguments->has_kept_pin && stat(arguments->verify.path, &status) == 0 &&
           status.st_uid != arguments->kept_uid;
}

static const char *pin_words(const struct arguments *arguments, const struct audit_verdict *verdict)
{
    if (verdict->pins_held == 0) {
        return "no pin: an older copy of this log, or another history under its key, would pass "
               "too; keep one elsewhere with: failcore audit pin";
    }
    if (arguments->verify.pin_count > 1 || !arguments->has_kept_pin) {
        return "given on the command line";
    }
    return kept_pin_is_foreign(arguments)
               ? "kept by another user than the log's"
               : "kept by the log's own user: no protection against that user";
}

static void print_text(const struct arguments *arguments, const struct audit_verdict *verdict)
{
    const char *path = arguments->verify.path;

    if (!verdict->intact) {
        printf("TAMPERED: %s: seq %" PRIu64 ": %s\n", path, verdict->bad_seq, verdict->why);
        return;
    }
    printf("intact: %s: %" PRIu64 " records in %" PRIu64 " segments\n", path, verdict->records,
           verdict->segments);
    if (verdict->pruned > 0) {
        printf("the first %" PRIu64 " records were pruned by policy; their hashes hold\n",
               verdict->pruned);
    }
    if (verdict->strays > 0) {
        AUTO(text_buffer_clear) struct text_buffer name = {0};

        inert_text_append(&name, str_view_from(verdict->stray), INERT_TERMINAL);
        printf("not part of the log: log/%s (%" PRIu64 " such files)\n", text_buffer_text(&name),
               verdict->strays);
    }
    if (verdict->torn_bytes > 0) {
        printf("the last line was never finished (%" PRIu64 " bytes): the writer was killed, or is "
               "writing\n",
               verdict->torn_bytes);
    }
    if (!verdict->has_signature) {
        puts("one segment alone: its chain holds; signature and tree need the directory");
        return;
    }
    printf("signed: the first %" PRIu64 " by %s\n", verdict->signed_size, verdict->origin);
    if (verdict->unsigned_count > 0) {
        printf("the last %" PRIu64 " records are not signed yet\n", verdict->unsigned_count);
    }
    if (verdict->pins_held > 0) {
        printf("pins that hold: %" PRIu64 " (%s)\n", verdict->pins_held,
               pin_words(arguments, verdict));
    } else {
        puts(pin_words(arguments, verdict));
    }
}

static void print_json(const struct arguments *arguments, const struct audit_verdict *verdict)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    text_buffer_printf(&text, "{\"intact\":%s,\"path\":", verdict->intact ? "true" : "false");
    text_buffer_append_json_string(&text, str_view_from(arguments->verify.path));
    text_buffer_printf(&text,
                       ",\"records\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"pruned\":%" PRIu64
                       ",\"torn_bytes\":%" PRIu64 ",\"signed\":%" PRIu64 ",\"unsigned\":%" PRIu64
                       ",\"strays\":%" PRIu64 ",\"pins\":%" PRIu64
                       ",\"head\":\"%s\",\"root\":\"%s\",\"origin\":",
                       verdict->records, verdict->segments, verdict->pruned, verdict->torn_bytes,
                       verdict->signed_size, verdict->unsigned_count, verdict->strays,
                       verdict->pins_held, verdict->head, verdict->root);
    text_buffer_append_json_string(&text, str_view_from(verdict->origin));
    text_buffer_append_text(&text, ",\"pin\":");
    text_buffer_append_json_string(&text, str_view_from(pin_words(arguments, verdict)));
    if (!verdict->intact) {
        text_buffer_printf(&text, ",\"bad_seq\":%" PRIu64 ",\"why\":", verdict->bad_seq);
        text_buffer_append_json_string(&text, str_view_from(verdict->why));
    }
    text_buffer_append_char(&text, '}');
    puts(text_buffer_text(&text));
}

struct progress {
    struct timespec since;
    bool shown;
};

static void show_progress(void *context, uint64_t records)
{
    struct progress *progress = context;
    struct timespec now;
    int64_t passed_ms;

    clock_gettime(CLOCK_MONOTONIC, &now);
    passed_ms = (now.tv_sec - progress->since.tv_sec) * 1000 +
                (now.tv_nsec - progress->since.tv_nsec) / 1000000;
    if (passed_ms > 300) {
        fprintf(stderr, "\r%" PRIu64 " records", records);
        progress->shown = true;
    }
}

static bool is_strictly_good(const struct audit_verdict *verdict)
{
    return verdict->has_signature && verdict->unsigned_count == 0 && verdict->torn_bytes == 0 &&
           verdict->strays == 0 && verdict->pins_held > 0;
}

int verb_audit_verify(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct audit_verdict verdict;
    struct progress progress = {0};
    struct failure failure = {0};
    int error = parse(argc, argv, &arguments, &failure);

    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (arguments.help) {
        command_table_print_help(stdout, &command);
        return EXIT_CODE_OK;
    }
    if (arguments.verify.path == NULL) {
        error = audit_directory_default(arguments.standard, &failure);
        arguments.verify.path = arguments.standard;
    }
    if (error == 0) {
        add_kept_pin(&arguments);
        clock_gettime(CLOCK_MONOTONIC, &progress.since);
        arguments.verify.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
        arguments.verify.progress_context = &progress;
        error = audit_verify(&arguments.verify, &verdict, &failure);
    }
    if (progress.shown) {
        fputs("\r\x1b[K", stderr);
    }
    if (error < 0) {
        failure_print(stderr, command.name, &failure);
        return error == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILCORE_FAILED;
    }
    if (arguments.json) {
        print_json(&arguments, &verdict);
    } else {
        print_text(&arguments, &verdict);
    }
    return verdict.intact && (!arguments.strict || is_strictly_good(&verdict)) ? EXIT_CODE_OK
                                                                               : EXIT_CODE_DENIED;
}
