#include "shared/audit/segment.h"

#include <errno.h>
#include <string.h>

#include "shared/audit/json_members.h"
#include "shared/audit/record_line.h"

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

/* A string of the writer's own form. */
static bool take_string(struct str_view *rest, struct str_view *ret_text)
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
    *ret_text = (struct str_view){.bytes = rest->bytes + 1, .length = at - 1};
    rest->bytes += at + 1;
    rest->length -= at + 1;
    return true;
}

static bool kind_from_word(struct str_view word, enum audit_kind *ret_kind)
{
    for (unsigned int kind = 0; kind < AUDIT_KIND_COUNT; kind++) {
        if (str_view_equals_text(word, audit_kind_word((enum audit_kind)kind))) {
            *ret_kind = (enum audit_kind)kind;
            return true;
        }
    }
    return false;
}

/* The fixed beginning of a line, up to the kind. */
static bool read_order(struct str_view text, struct segment_line *line)
{
    struct str_view rest = text;
    struct str_view word;

    line->count = 1;
    return take(&rest, STR_VIEW_LITERAL("{\"v\":1,\"seq\":")) && take_number(&rest, &line->seq) &&
           take(&rest, STR_VIEW_LITERAL(",\"id\":")) && take_string(&rest, &word) &&
           take(&rest, STR_VIEW_LITERAL(",\"timestamp\":")) && take_string(&rest, &word) &&
           take(&rest, STR_VIEW_LITERAL(",\"mono\":\"")) && take_number(&rest, &line->mono_ns) &&
           take(&rest, STR_VIEW_LITERAL("\"")) &&
           (!take(&rest, STR_VIEW_LITERAL(",\"run\":")) || take_string(&rest, &word)) &&
           take(&rest, STR_VIEW_LITERAL(",\"source\":")) && take_string(&rest, &word) &&
           take(&rest, STR_VIEW_LITERAL(",\"producer\":")) && take_number(&rest, &line->producer) &&
           take(&rest, STR_VIEW_LITERAL(",\"pseq\":")) && take_number(&rest, &line->pseq) &&
           (!take(&rest, STR_VIEW_LITERAL(",\"count\":")) ||
            (take_number(&rest, &line->count) && line->count > 1)) &&
           take(&rest, STR_VIEW_LITERAL(",\"kind\":")) && take_string(&rest, &word) &&
           kind_from_word(word, &line->kind);
}

/* Member order of CONTRACT: no other key, none twice, none elsewhere. */
static bool has_grammar(struct str_view text)
{
#define KEY(text, required)                                                                        \
    {                                                                                              \
        {text, sizeof(text) - 1}, required                                                         \
    }
    static const struct json_key keys[] = {
        KEY("v", true),
        KEY("seq", true),
        KEY("id", true),
        KEY("timestamp", true),
        KEY("mono", true),
        KEY("run", false),
        KEY("source", true),
        KEY("producer", true),
        KEY("pseq", true),
        KEY("count", false),
        KEY("kind", true),
        KEY("of", false),
        KEY("of_producer", false),
        KEY("of_pseq", false),
        KEY("actor", false),
        KEY("call", true),
        KEY("policy", true),
        KEY("status", false),
        KEY("code", false),
        KEY("reason", false),
        KEY("errno", false),
        KEY("phase", false),
        KEY("redaction", true),
        KEY("timing", true),
        KEY("merkle", true),
    };
#undef KEY

    return json_object_has_order(text, keys, sizeof(keys) / sizeof(keys[0]));
}

static int hex_value(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

static bool hex_decode(const char *hex, uint8_t bytes[static SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ,"previous_hash":"<64 hex>" stands right before the tail, which is ,"entry_hash":"<64 hex>"}}. */
static bool read_hashes(struct str_view text, uint8_t previous[static SHA256_SIZE],
                        uint8_t hash[static SHA256_SIZE])
{
    static const char name[] = ",\"previous_hash\":\"";
    const size_t tail = RECORD_TAIL_SIZE - 1;
    const size_t size = sizeof(name) - 1 + 64 + 1;
    const char *at;

    if (text.length < tail + size) {
        return false;
    }
    at = text.bytes + text.length - tail - size;
    if (memcmp(at, name, sizeof(name) - 1) != 0 || !hex_decode(at + sizeof(name) - 1, previous)) {
        return false;
    }
    at += size;
    return at[-1] == '"' && memcmp(at, RECORD_TAIL_BEGIN, sizeof(RECORD_TAIL_BEGIN) - 1) == 0 &&
           hex_decode(at + sizeof(RECORD_TAIL_BEGIN) - 1, hash) &&
           memcmp(text.bytes + text.length - 3, "\"}}", 3) == 0;
}

static int bad(const char **why, const char *text)
{
    *why = text;
    return -EBADMSG;
}

int segment_line_read(struct str_view text, struct sha256 *sha, struct segment_line *ret_line,
                      const char **reterr_why)
{
    struct segment_line line = {.text = text};
    uint8_t hash[SHA256_SIZE];

    if (text.length >= RECORD_LINE_MAX) {
        return bad(reterr_why, "a line is too long");
    }
    if (!read_order(text, &line) || !read_hashes(text, line.previous, line.hash)) {
        return bad(reterr_why, "not a record of this format");
    }
    if (record_line_hash(text, sha, hash) < 0 || memcmp(hash, line.hash, SHA256_SIZE) != 0) {
        return bad(reterr_why, "entry_hash is not the hash of the line: the record was changed");
    }
    if (!has_grammar(text)) {
        return bad(reterr_why, "its members are not those of a record, in their order, once each");
    }
    *ret_line = line;
    return 0;
}

int segment_chain_add(struct segment_chain *chain, const struct segment_line *line,
                      const char **reterr_why)
{
    if (line->seq != chain->next_seq) {
        return bad(reterr_why,
                   "the seq is not the next one: a record is missing, doubled or moved");
    }
    if (memcmp(line->previous, chain->previous, SHA256_SIZE) != 0) {
        return bad(reterr_why, "previous_hash is not the hash of the record before");
    }
    memcpy(chain->previous, line->hash, SHA256_SIZE);
    chain->next_seq++;
    return 0;
}

bool segment_take_line(struct str_view *rest, struct str_view *ret_line)
{
    const char *newline = rest->length == 0 ? NULL : memchr(rest->bytes, '\n', rest->length);

    if (newline == NULL) {
        return false;
    }
    *ret_line = (struct str_view){.bytes = rest->bytes, .length = (size_t)(newline - rest->bytes)};
    rest->bytes = newline + 1;
    rest->length -= ret_line->length + 1;
    return true;
}

static struct str_view member_of(struct str_view object, const char *name)
{
    struct str_view rest = {.bytes = object.bytes + 1,
                            .length = object.length < 2 ? 0 : object.length - 2};
    struct str_view key;
    struct str_view value;

    while (json_members_next(&rest, &key, &value)) {
        if (str_view_equals_text(key, name)) {
            return value;
        }
    }
    return (struct str_view){0};
}

struct str_view segment_line_member(const struct segment_line *line, const char *inside,
                                    const char *name)
{
    struct str_view object = line->text;

    if (inside != NULL) {
        object = member_of(object, inside);
    }
    return object.length == 0 || object.bytes[0] != '{' ? (struct str_view){0}
                                                        : member_of(object, name);
}
