#include "shared/audit/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/audit/record_line.h"

#define SUFFIX ".jsonl"

void segment_name_format(uint64_t first_seq, char name[static SEGMENT_NAME_MAX])
{
    snprintf(name, SEGMENT_NAME_MAX, "%020" PRIu64 SUFFIX, first_seq);
}

bool segment_name_parse(const char *name, uint64_t *ret_first_seq)
{
    uint64_t first = 0;

    if (strlen(name) != 20 + sizeof(SUFFIX) - 1 || strcmp(name + 20, SUFFIX) != 0) {
        return false;
    }
    for (size_t i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9' || __builtin_mul_overflow(first, 10U, &first) ||
            __builtin_add_overflow(first, (uint64_t)(name[i] - '0'), &first)) {
            return false;
        }
    }
    *ret_first_seq = first;
    return true;
}

struct segment_reader segment_reader_init(struct str_view text, uint64_t first_seq,
                                          const char previous_hash[static SHA256_HEX_SIZE])
{
    struct segment_reader reader = {.text = text, .next_seq = first_seq, .why = ""};

    memcpy(reader.previous_hash, previous_hash, SHA256_HEX_SIZE);
    return reader;
}

/* Takes `wanted` off the front of `rest`. */
static bool take(struct str_view *rest, struct str_view wanted)
{
    if (!str_view_starts_with(*rest, wanted)) {
        return false;
    }
    rest->bytes += wanted.length;
    rest->length -= wanted.length;
    return true;
}

/* A decimal without leading zeros. */
static bool take_number(struct str_view *rest, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = 0;

    while (digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9') {
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, (uint64_t)(rest->bytes[digits] - '0'), &number)) {
            return false;
        }
        digits++;
    }
    if (digits == 0 || (digits > 1 && rest->bytes[0] == '0')) {
        return false;
    }
    rest->bytes += digits;
    rest->length -= digits;
    *ret_number = number;
    return true;
}

/* A string of the writer's own form, skipped: it holds no bare quote. */
static bool skip_string(struct str_view *rest)
{
    size_t at = 1;

    if (rest->length == 0 || rest->bytes[0] != '"') {
        return false;
    }
    while (at < rest->length && rest->bytes[at] != '"') {
        at += rest->bytes[at] == '\\' ? 2 : 1;
    }
    if (at >= rest->length) {
        return false;
    }
    rest->bytes += at + 1;
    rest->length -= at + 1;
    return true;
}

/* The fixed beginning of a line, up to the kind. */
static bool read_order(struct str_view text, struct segment_line *line)
{
    struct str_view rest = text;

    line->count = 1;
    return take(&rest, STR_VIEW_LITERAL("{\"v\":1,\"seq\":")) && take_number(&rest, &line->seq) &&
           take(&rest, STR_VIEW_LITERAL(",\"id\":")) && skip_string(&rest) &&
           take(&rest, STR_VIEW_LITERAL(",\"timestamp\":")) && skip_string(&rest) &&
           take(&rest, STR_VIEW_LITERAL(",\"mono\":")) && skip_string(&rest) &&
           take(&rest, STR_VIEW_LITERAL(",\"run\":")) && skip_string(&rest) &&
           take(&rest, STR_VIEW_LITERAL(",\"source\":")) && skip_string(&rest) &&
           take(&rest, STR_VIEW_LITERAL(",\"producer\":")) && take_number(&rest, &line->producer) &&
           take(&rest, STR_VIEW_LITERAL(",\"pseq\":")) && take_number(&rest, &line->pseq) &&
           (!take(&rest, STR_VIEW_LITERAL(",\"count\":")) || take_number(&rest, &line->count)) &&
           take(&rest, STR_VIEW_LITERAL(",\"kind\":\""));
}

/* ,"previous_hash":"<64 hex>" stands right before the tail. */
static bool read_previous(struct str_view text, const char **ret_hex)
{
    static const char name[] = ",\"previous_hash\":\"";
    const size_t tail = RECORD_TAIL_SIZE - 1;
    const size_t size = sizeof(name) - 1 + 64 + 1;
    const char *at;

    if (text.length < tail + size) {
        return false;
    }
    at = text.bytes + text.length - tail - size;
    *ret_hex = at + sizeof(name) - 1;
    return memcmp(at, name, sizeof(name) - 1) == 0;
}

static int bad(struct segment_reader *reader, const char *why)
{
    reader->why = why;
    return -EBADMSG;
}

int segment_reader_next(struct segment_reader *reader, struct sha256 *sha,
                        struct segment_line *ret_line)
{
    const char *begin = reader->text.bytes + reader->offset;
    size_t left = reader->text.length - reader->offset;
    const char *newline = left == 0 ? NULL : memchr(begin, '\n', left);
    struct segment_line line = {0};
    const char *previous;
    char hash[SHA256_HEX_SIZE];

    if (newline == NULL) {
        return left >= RECORD_LINE_MAX ? bad(reader, "a line is too long") : 0;
    }
    line.text = (struct str_view){.bytes = begin, .length = (size_t)(newline - begin)};
    if (line.text.length >= RECORD_LINE_MAX) {
        return bad(reader, "a line is too long");
    }
    if (!read_order(line.text, &line)) {
        return bad(reader, "not a record of this format");
    }
    if (line.seq != reader->next_seq) {
        return bad(reader, "the seq is not the next one: a record is missing, doubled or moved");
    }
    if (record_line_hash(line.text, sha, line.hash) < 0 || !read_previous(line.text, &previous)) {
        return bad(reader, "not a record of this format");
    }
    if (memcmp(previous, reader->previous_hash, SHA256_HEX_SIZE - 1) != 0) {
        return bad(reader, "previous_hash is not the hash of the record before");
    }
    hex_encode(line.hash, sizeof(line.hash), hash);
    if (memcmp(hash, newline - (SHA256_HEX_SIZE - 1) - 3, SHA256_HEX_SIZE - 1) != 0 ||
        memcmp(newline - 3, "\"}}", 3) != 0) {
        return bad(reader, "entry_hash is not the hash of the line: the record was changed");
    }
    memcpy(reader->previous_hash, hash, sizeof(hash));
    reader->offset += line.text.length + 1;
    reader->next_seq++;
    *ret_line = line;
    return 1;
}
