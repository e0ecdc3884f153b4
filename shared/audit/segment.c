#include "shared/audit/segment.h"

#include <errno.h>
#include <string.h>

#include "shared/audit/json_members.h"
#include "shared/audit/record_hash.h"
#include "shared/audit/record_line.h"

/* The value of each lower-case hexadecimal digit, and 0xFF for every other byte. */
static const uint8_t hex_digits[256] = {
#define X4  0xFF, 0xFF, 0xFF, 0xFF
#define X16 X4, X4, X4, X4
    X16, X16, X16, 0,  1,  2,  3,    4,  5,  6,   7,   8,   9,   0xFF, 0xFF, X4,  X16, X16, 0xFF,
    10,  11,  12,  13, 14, 15, 0xFF, X4, X4, X16, X16, X16, X16, X16,  X16,  X16, X16, X16,
#undef X4
#undef X16
};

static bool hex_decode(const char *hex, uint8_t bytes[static SHA256_SIZE])
{
    unsigned int wrong = 0;

    for (size_t i = 0; i < SHA256_SIZE; i++) {
        unsigned int high = hex_digits[(uint8_t)hex[2 * i]];
        unsigned int low = hex_digits[(uint8_t)hex[2 * i + 1]];

        wrong |= high | low;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return wrong < 0x10;
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

/* What a producer made up itself: the strict reader takes their names as they are. */
static bool own_members_are_sound(const struct audit_record *record)
{
    return json_members_are_sound(record->call.members);
}

int segment_line_judge(struct str_view text, const uint8_t hash[static SHA256_SIZE],
                       struct segment_sight *sight, struct segment_line *ret_line,
                       const char **reterr_why)
{
    const struct audit_record *before = &sight->record[sight->last];
    struct audit_record *record = &sight->record[1 - sight->last];
    struct segment_line line = {.text = text};

    if (text.length >= RECORD_LINE_MAX) {
        return bad(reterr_why, "a line is too long");
    }
    if (!read_hashes(text, line.previous, line.hash)) {
        return bad(reterr_why, "not a record of this format");
    }
    if (memcmp(hash, line.hash, SHA256_SIZE) != 0) {
        return bad(reterr_why, "entry_hash is not the hash of the line: the record was changed");
    }
    if (audit_record_read_next(text, before, record) < 0 || !own_members_are_sound(record)) {
        return bad(reterr_why, "its members are not those of a record, in their order, once each");
    }
    sight->last = 1 - sight->last;
    line.seq = record->seq;
    line.producer = record->producer;
    line.pseq = record->pseq;
    line.count = record->count;
    line.mono_ns = record->mono_ns;
    line.kind = record->kind;
    *ret_line = line;
    return 0;
}

int segment_line_read(struct str_view text, struct sha256 *sha, struct segment_line *ret_line,
                      const char **reterr_why)
{
    struct segment_sight sight = {0};
    uint8_t hash[SHA256_SIZE] = {0}; /* of no line */

    if (text.length < RECORD_LINE_MAX) {
        (void)record_hash(text, sha, hash);
    }
    return segment_line_judge(text, hash, &sight, ret_line, reterr_why);
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
