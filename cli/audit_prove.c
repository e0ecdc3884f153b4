/* failcore audit prove SEQ, check-proof FILE, pin: what a stranger needs without the log. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/audit_verbs.h"
#include "shared/audit/directory.h"
#include "shared/audit/log_lines.h"
#include "shared/audit/pin.h"
#include "shared/audit/proof.h"
#include "shared/audit/signed_head.h"
#include "shared/base/cleanup.h"
#include "shared/base/exit_codes.h"
#include "shared/base/file_io.h"
#include "shared/base/option_table.h"

enum { OPTION_AUDIT = 1, OPTION_KEY, OPTION_KEEP, OPTION_HELP };
#define AUDIT_ROW                                                                                  \
    {                                                                                              \
        OPTION_AUDIT, 0, "audit", "DIR", "the audit directory"                                     \
    }
#define HELP_ROW                                                                                   \
    {                                                                                              \
        OPTION_HELP, 'h', "help", NULL, "this text"                                                \
    }
static const struct option_row prove_options[] = {AUDIT_ROW, HELP_ROW};
static const struct option_row check_options[] = {
    {OPTION_KEY, 0, "key", "PUB", "the log's verifier key, as a file or as text"},
    AUDIT_ROW,
    HELP_ROW,
};
static const struct option_row pin_options[] = {
    {OPTION_KEEP, 0, "keep", NULL, "keep it in the pins directory, where verify finds it"},
    AUDIT_ROW,
    HELP_ROW,
};
static const struct command_table prove_command = {
    .name = "failcore audit prove",
    .synopsis = "[--audit DIR] SEQ",
    .summary = "a proof that the record is in the signed log; it is checked without the log",
    .examples = "  failcore audit prove 41 > proof; failcore audit check-proof --key vkey proof\n",
    .options = prove_options,
    .option_count = sizeof(prove_options) / sizeof(prove_options[0]),
};
static const struct command_table check_command = {
    .name = "failcore audit check-proof",
    .synopsis = "[--key PUB] FILE",
    .summary = "does a proof hold; prints the record that it proves",
    .options = check_options,
    .option_count = sizeof(check_options) / sizeof(check_options[0]),
};
static const struct command_table pin_command = {
    .name = "failcore audit pin",
    .synopsis = "[--keep] [--audit DIR]",
    .summary = "the current checkpoint, to be kept where the log's writer cannot reach it",
    .options = pin_options,
    .option_count = sizeof(pin_options) / sizeof(pin_options[0]),
};

struct words {
    const char *audit; /* NULL: the default directory */
    const char *key;
    const char *operand;
    bool keep;
    bool help;
};

/* Reads the options; exactly `operands` (0 or 1) words may follow. */
static int read_words(const struct command_table *command, int argc, char **argv, int operands,
                      struct words *words, struct failure *reterr)
{
    struct option_scan scan = option_scan_init(command, argc, argv);
    int id;

    while ((id = option_scan_next(&scan, reterr)) > 0) {
        if (id == OPTION_AUDIT) {
            words->audit = scan.argument;
        } else if (id == OPTION_KEY) {
            words->key = scan.argument;
        }
        words->keep |= id == OPTION_KEEP;
        words->help |= id == OPTION_HELP;
    }
    if (id == 0 && !words->help && argc - scan.next != operands) {
        failure_set_mend(reterr, "%s --help", command->name);
        id = failure_set(reterr, -EINVAL,
                         operands == 0 ? "too many operands" : "exactly one operand is wanted");
    }
    words->operand = scan.next < argc ? argv[scan.next] : NULL;
    if (id == 0 && words->help) {
        command_table_print_help(stdout, command);
    }
    return id;
}

static int open_directory(const char *word, char path[static PATH_MAX], struct failure *reterr)
{
    return audit_directory_open(word, path, reterr);
}

static int prove(const struct words *words, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    AUTO_CLOSE int directory = -1;
    char path[PATH_MAX];
    char *end;
    uint64_t seq = strtoull(words->operand, &end, 10);
    struct str_view line;
    int got;
    int error;

    if (*end != '\0' || end == words->operand || words->operand[0] == '-') {
        return failure_set(reterr, -EINVAL, "not a seq: %s", words->operand);
    }
    directory = open_directory(words->audit, path, reterr);
    if (directory < 0) {
        return directory;
    }
    error = log_lines_open(path, &lines, reterr);
    if (error < 0) {
        return error;
    }
    got = log_lines_find(lines, seq, &line, reterr);
    if (got == 0) {
        failure_set_needed(reterr, "%s", path);
        failure_set_mend(reterr, "failcore show");
        got = failure_set(reterr, -ENOENT, "the log has no record %" PRIu64, seq);
    }
    error = got < 0 ? got : proof_make(directory, seq, line, &text, reterr);
    if (error == 0) {
        fputs(text_buffer_text(&text), stdout);
    }
    return error;
}

int verb_audit_prove(int argc, char **argv)
{
    struct failure failure = {0};
    struct words words = {0};
    int error = read_words(&prove_command, argc, argv, 1, &words, &failure);

    if (error == 0 && words.help) {
        return EXIT_CODE_OK;
    }
    if (error == 0) {
        error = prove(&words, &failure);
    }
    if (error < 0) {
        failure_print(stderr, prove_command.name, &failure);
        return error == -EINVAL    ? EXIT_CODE_USAGE
               : error == -EBADMSG ? EXIT_CODE_DENIED
                                   : EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}

/* The key that was given, else that of this user's log: a proof cannot vouch for its own key. */
static int find_key(const struct words *words, struct note_key *ret_key, struct failure *reterr)
{
    AUTO_CLOSE int directory = -1;
    struct sha256 *sha = sha256_new();
    char path[PATH_MAX];
    int error = sha == NULL ? -ENOMEM : 0;

    if (error == 0 && words->key == NULL) {
        directory = open_directory(words->audit, path, reterr);
        error = directory < 0 ? directory : 0;
    }
    if (error == 0) {
        error = audit_key_read(directory, words->key, sha, ret_key, reterr);
    }
    sha256_free(sha);
    failure_set_mend(reterr, "give the log's vkey with --key");
    return error;
}

static int check_proof(const struct words *words, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO(text_buffer_clear) struct text_buffer line = {0};
    AUTO_CLOSE int fd = open(words->operand, O_RDONLY | O_CLOEXEC);
    struct note_key key;
    uint64_t seq;
    int error = fd < 0 ? -errno : read_to_end(fd, PROOF_TEXT_MAX, &text);

    if (error < 0) {
        return failure_set(reterr, error, "cannot read %s: %s", words->operand, strerror(-error));
    }
    error = find_key(words, &key, reterr);
    if (error < 0) {
        return error;
    }
    error = proof_check(text_buffer_view(&text), &key, &line, &seq, reterr);
    if (error == 0) {
        printf("%s\n", text_buffer_text(&line));
        fprintf(stderr, "proved: seq %" PRIu64 " is in the log that %s signed\n", seq, key.name);
    }
    return error;
}

int verb_audit_check_proof(int argc, char **argv)
{
    struct failure failure = {0};
    struct words words = {0};
    int error = read_words(&check_command, argc, argv, 1, &words, &failure);

    if (error < 0) {
        failure_print(stderr, check_command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (words.help) {
        return EXIT_CODE_OK;
    }
    error = check_proof(&words, &failure);
    if (error < 0) {
        failure_print(stderr, check_command.name, &failure);
        return error == -EBADMSG ? EXIT_CODE_DENIED : EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}

static int print_pin(int directory, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct sha256 *sha = sha256_new();
    struct note_key key;
    struct checkpoint head;
    int error = sha == NULL ? -ENOMEM : audit_key_read(directory, NULL, sha, &key, reterr);

    sha256_free(sha);
    if (error == 0) {
        error = audit_head_read(directory, &key, &note, &head, reterr);
    }
    if (error < 0) {
        return error;
    }
    fputs(text_buffer_text(&note), stdout);
    return 0;
}

int verb_audit_pin(int argc, char **argv)
{
    AUTO_CLOSE int directory = -1;
    struct failure failure = {0};
    struct words words = {0};
    char path[PATH_MAX];
    int error = read_words(&pin_command, argc, argv, 0, &words, &failure);

    if (error < 0) {
        failure_print(stderr, pin_command.name, &failure);
        return EXIT_CODE_USAGE;
    }
    if (words.help) {
        return EXIT_CODE_OK;
    }
    directory = open_directory(words.audit, path, &failure);
    error = directory < 0 ? directory : print_pin(directory, &failure);
    if (error == 0 && words.keep) {
        error = audit_pin_keep(path, &failure);
    }
    if (error < 0) {
        failure_print(stderr, pin_command.name, &failure);
        return EXIT_CODE_FAILCORE_FAILED;
    }
    return EXIT_CODE_OK;
}
