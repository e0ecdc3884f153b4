/*
 * DIR/runs is text: a line "failcore-runs 2 FIRST NEXT UNREADABLE ANCHOR", where FIRST and NEXT are
 * seqs and ANCHOR is the entry_hash of record NEXT-1; a line of fields for each run, texts in
 * hexadecimal with a dot before them; and the code (HMAC-SHA-256) of all that.
 */
#include "shared/audit/run_index_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/audit/run_index_key.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/crypto/ed25519.h"

#define FILE_NAME  "runs"
#define MAGIC      "failcore-runs 2"
#define FILE_LIMIT (64U << 20)
#define ANCHOR_MAX 65

/* The numbers of a run, in the order of the file. */
#define NUMBERS(X)                                                                                 \
    X(first_seq)                                                                                   \
    X(last_seq)                                                                                    \
    X(start_seq)                                                                                   \
    X(end_seq)                                                                                     \
    X(launcher_uid)                                                                                \
    X(exit_code)                                                                                   \
    X(counts.records)                                                                              \
    X(counts.decisions)                                                                            \
    X(counts.blocked)                                                                              \
    X(counts.logged)                                                                               \
    X(counts.failed)                                                                               \
    X(counts.limited)                                                                              \
    X(counts.lost)
#define TEXTS(X)                                                                                   \
    X(policy_name)                                                                                 \
    X(policy_version)                                                                              \
    X(policy_hash)                                                                                 \
    X(host)                                                                                        \
    X(cause)

struct stored {
    uint64_t first_seq;
    char anchor[ANCHOR_MAX];
};

/* ---- reading words ------------------------------------------------------------------------- */

static struct str_view next_word(struct str_view *rest)
{
    struct str_view word = *rest;
    const char *space = memchr(rest->bytes, ' ', rest->length);

    word.length = space == NULL ? rest->length : (size_t)(space - rest->bytes);
    rest->bytes += word.length + (space != NULL);
    rest->length -= word.length + (space != NULL);
    return word;
}

static bool take_number(struct str_view *rest, uint64_t *ret_number)
{
    struct str_view word = next_word(rest);
    uint64_t number = 0;

    for (size_t i = 0; i < word.length; i++) {
        uint64_t digit = (uint64_t)(unsigned char)word.bytes[i] - '0';

        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return word.length > 0;
}

static bool hex_digit(char digit, unsigned int *ret_value)
{
    if (digit >= '0' && digit <= '9') {
        *ret_value = (unsigned int)(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
        *ret_value = (unsigned int)(digit - 'a' + 10);
    } else {
        return false;
    }
    return true;
}

static bool take_text(struct str_view *rest, char *to, size_t size)
{
    struct str_view word = next_word(rest);
    size_t length = word.length / 2;

    if (word.length % 2 != 1 || word.bytes[0] != '.' || length >= size) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned int high;
        unsigned int low;

        if (!hex_digit(word.bytes[1 + 2 * i], &high) || !hex_digit(word.bytes[2 + 2 * i], &low)) {
            return false;
        }
        to[i] = (char)(high << 4 | low);
    }
    to[length] = '\0';
    return strlen(to) == length;
}

static void append_text(struct text_buffer *text, const char *value)
{
    text_buffer_append_text(text, " .");
    for (; *value != '\0'; value++) {
        text_buffer_printf(text, "%02x", (unsigned int)(unsigned char)*value);
    }
}

/* ---- the file ------------------------------------------------------------------------------ */

static int append_code(struct text_buffer *text, const uint8_t key[static HMAC_SHA256_KEY_SIZE])
{
    uint8_t code[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    int error = hmac_sha256(key, text_buffer_text(text), text->length, code);

    if (error == 0) {
        hex_encode(code, sizeof(code), hex);
        text_buffer_printf(text, "%s\n", hex);
    }
    return error < 0 ? error : text_buffer_error(text);
}

/* Cuts the last line off; whether it is the code of the rest. */
static bool take_code(struct str_view *content, const uint8_t key[static HMAC_SHA256_KEY_SIZE])
{
    AUTO(text_buffer_clear) struct text_buffer again = {0};
    const size_t line = SHA256_HEX_SIZE; /* its newline instead of a NUL */

    if (content->length < line) {
        return false;
    }
    text_buffer_append(&again, (struct str_view){content->bytes, content->length - line});
    if (append_code(&again, key) < 0 || again.length != content->length ||
        memcmp(text_buffer_text(&again), content->bytes, again.length) != 0) {
        return false;
    }
    content->length -= line;
    return true;
}

static bool take_run(struct str_view line, struct run_index *index)
{
    char id[RUN_INDEX_ID_MAX];
    struct run_entry *run;
    uint64_t first_ns;
    uint64_t last_ns;

    if (!take_text(&line, id, sizeof(id))) {
        return false;
    }
    run = run_index_entry(index, id);
    if (run == NULL || run->first_seq != UINT64_MAX) {
        return false;
    }
#define X(member)                                                                                  \
    if (!take_number(&line, &run->member)) {                                                       \
        return false;                                                                              \
    }
    NUMBERS(X)
#undef X
#define X(member)                                                                                  \
    if (!take_text(&line, run->member, sizeof(run->member))) {                                     \
        return false;                                                                              \
    }
    TEXTS(X)
#undef X
    if (!take_number(&line, &first_ns) || !take_number(&line, &last_ns)) {
        return false;
    }
    run->first_ns = (int64_t)first_ns;
    run->last_ns = (int64_t)last_ns;
    return line.length == 0;
}

static struct str_view next_line(struct str_view *content)
{
    const char *end = memchr(content->bytes, '\n', content->length);
    struct str_view line = *content;

    line.length = end == NULL ? content->length : (size_t)(end - content->bytes);
    content->bytes += line.length + (end != NULL);
    content->length -= line.length + (end != NULL);
    return line;
}

static bool take_content(struct str_view content, const uint8_t *key, struct run_index *index,
                         struct stored *stored)
{
    struct str_view head;
    struct str_view anchor;

    if (!take_code(&content, key)) {
        return false;
    }
    head = next_line(&content);
    if (!str_view_starts_with(head, STR_VIEW_LITERAL(MAGIC " "))) {
        return false;
    }
    head.bytes += sizeof(MAGIC);
    head.length -= sizeof(MAGIC);
    if (!take_number(&head, &stored->first_seq) || !take_number(&head, &index->next_seq) ||
        !take_number(&head, &index->unreadable) || index->next_seq == 0) {
        return false;
    }
    anchor = next_word(&head);
    if (anchor.length != ANCHOR_MAX - 1 || head.length > 0) {
        return false;
    }
    memcpy(stored->anchor, anchor.bytes, anchor.length);
    stored->anchor[anchor.length] = '\0';
    while (content.length > 0) {
        if (!take_run(next_line(&content), index)) {
            return false;
        }
    }
    return true;
}

static bool read_file(const char *directory, struct run_index *index, struct stored *stored)
{
    AUTO(text_buffer_clear) struct text_buffer content = {0};
    uint8_t key[HMAC_SHA256_KEY_SIZE];
    char path[PATH_MAX];
    AUTO_CLOSE int fd = -1;
    bool holds;

    if (snprintf(path, sizeof(path), "%s/" FILE_NAME, directory) >= (int)sizeof(path)) {
        return false;
    }
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || read_to_end(fd, FILE_LIMIT, &content) < 0 ||
        !run_index_key(directory, false, key)) {
        return false;
    }
    holds = take_content(text_buffer_view(&content), key, index, stored);
    secret_wipe(key, sizeof(key));
    return holds;
}

/* ---- against the log ------------------------------------------------------------------------- */

/* The record with this seq, and no further: the next line is the one behind it. */
static bool find_record(struct log_lines *lines, uint64_t seq, struct audit_record *ret_record)
{
    struct failure ignored = {0};
    struct str_view line;

    if (log_lines_seek(lines, seq, &ignored) < 0) {
        return false;
    }
    while (log_lines_next(lines, &line, &ignored) > 0) {
        uint64_t found = 0;

        if (log_line_seq(line, &found) && found >= seq) {
            return found == seq && audit_record_read(line, ret_record, NULL) == 0;
        }
    }
    return false;
}

static bool first_seq_of(struct log_lines *lines, uint64_t *ret_seq)
{
    struct failure ignored = {0};
    struct str_view line;

    return log_lines_seek(lines, 0, &ignored) == 0 && log_lines_next(lines, &line, &ignored) > 0 &&
           log_line_seq(line, ret_seq);
}

static bool fits_log(const struct run_index *index, const struct stored *stored,
                     struct log_lines *lines)
{
    struct audit_record record;
    uint64_t first_seq = 0;

    return first_seq_of(lines, &first_seq) && first_seq == stored->first_seq &&
           find_record(lines, index->next_seq - 1, &record) &&
           str_view_equals_text(record.entry_hash, stored->anchor);
}

int run_index_load(struct run_index *index, const char *directory, struct log_lines *lines,
                   uint64_t *ret_stored, struct failure *reterr)
{
    struct stored stored;
    int error;

    *index = (struct run_index){0};
    *ret_stored = 0;
    if (read_file(directory, index, &stored) && fits_log(index, &stored, lines)) {
        *ret_stored = index->next_seq - stored.first_seq;
        return run_index_read(index, lines, reterr);
    }
    run_index_clear(index);
    error = log_lines_seek(lines, 0, reterr);
    return error < 0 ? error : run_index_read(index, lines, reterr);
}

static void append_run(struct text_buffer *text, const struct run_entry *run)
{
    text_buffer_append_text(text, ".");
    for (const char *byte = run->id; *byte != '\0'; byte++) {
        text_buffer_printf(text, "%02x", (unsigned int)(unsigned char)*byte);
    }
#define X(member) text_buffer_printf(text, " %" PRIu64, run->member);
    NUMBERS(X)
#undef X
#define X(member) append_text(text, run->member);
    TEXTS(X)
#undef X
    text_buffer_printf(text, " %" PRIu64 " %" PRIu64 "\n", (uint64_t)run->first_ns,
                       (uint64_t)run->last_ns);
}

static bool write_file(const char *directory, const struct text_buffer *text)
{
    char path[PATH_MAX];
    char partial[PATH_MAX];
    AUTO_CLOSE int fd = -1;

    if (snprintf(path, sizeof(path), "%s/" FILE_NAME, directory) >= (int)sizeof(path) ||
        snprintf(partial, sizeof(partial), "%s.%d", path, (int)getpid()) >= (int)sizeof(partial)) {
        return false;
    }
    fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    if (write_all(fd, text_buffer_text(text), text->length) < 0 || rename(partial, path) < 0) {
        (void)unlink(partial);
        return false;
    }
    return true;
}

bool run_index_store(const struct run_index *index, const char *directory, struct log_lines *lines)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    uint8_t key[HMAC_SHA256_KEY_SIZE] = {0};
    struct audit_record record;
    uint64_t first_seq = 0;
    bool is_coded;

    if (index->next_seq == 0 || !first_seq_of(lines, &first_seq) ||
        !find_record(lines, index->next_seq - 1, &record) ||
        record.entry_hash.length != ANCHOR_MAX - 1) {
        return false;
    }
    text_buffer_printf(&text, MAGIC " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.*s\n", first_seq,
                       index->next_seq, index->unreadable, STR_VIEW_PRINTF(record.entry_hash));
    for (size_t i = 0; i < index->count; i++) {
        append_run(&text, &index->runs[i]);
    }
    is_coded = run_index_key(directory, true, key) && append_code(&text, key) == 0;
    secret_wipe(key, sizeof(key));
    return is_coded && write_file(directory, &text);
}
