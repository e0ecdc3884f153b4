/*
 * Because order and spelling are fixed, a table of the literals `,"name":` is the whole grammar:
 * at each row the literal either stands next, or the member is not there. A member that is
 * unknown, doubled or out of order is what no row takes, and the closing brace is missing then.
 */
#include "shared/audit/record_grammar.h"

#include <errno.h>
#include <stddef.h>

/* ---- values ------------------------------------------------------------------------------ */

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The highest bit of each byte that is at least `least`. All bytes are below 0x80, so none carries
 * into its neighbour. */
static uint64_t bytes_from(uint64_t word, unsigned int least)
{
    return word + EACH_BYTE(0x80 - least);
}

/* Four hashes stand in each line, so eight digits are judged at once. The text is a word: printable
 * ASCII. */
static bool is_lower_hex(struct str_view text)
{
    uint64_t wrong = 0;
    size_t at = 0;

    for (; text.length - at >= 8; at += 8) {
        uint64_t word;
        uint64_t right;

        memcpy(&word, text.bytes + at, sizeof(word));
        right = (bytes_from(word, '0') & ~bytes_from(word, '9' + 1)) |
                (bytes_from(word, 'a') & ~bytes_from(word, 'f' + 1));
        wrong |= ~right & EACH_BYTE(0x80);
    }
    for (; at < text.length; at++) {
        unsigned char byte = (unsigned char)text.bytes[at];

        wrong |= ((unsigned char)(byte - '0') > 9) & ((unsigned char)(byte - 'a') > 5);
    }
    return wrong == 0;
}

static bool read_hex(struct json_scan *scan, struct str_view *ret_hex)
{
    return json_scan_word(scan, ret_hex) && ret_hex->length % 2 == 0 && is_lower_hex(*ret_hex);
}

static bool read_hash(struct json_scan *scan, bool may_be_empty, struct str_view *ret_hash)
{
    return read_hex(scan, ret_hash) &&
           (ret_hash->length == 64 || (may_be_empty && ret_hash->length == 0));
}

static bool read_tagged_hash(struct json_scan *scan)
{
    const struct str_view tag = STR_VIEW_LITERAL("sha256:");
    struct str_view hash;

    if (!json_scan_word(scan, &hash)) {
        return false;
    }
    if (hash.length == 0) {
        return true;
    }
    return hash.length == tag.length + 64 && str_view_starts_with(hash, tag) &&
           is_lower_hex((struct str_view){hash.bytes + tag.length, 64});
}

static bool read_count_text(struct json_scan *scan, uint64_t *ret_count)
{
    return json_scan_char(scan, '"') && json_scan_count(scan, ret_count) &&
           json_scan_char(scan, '"');
}

/* The position of the next word in a table of words; -1 when it is none. */
static int read_enum(struct json_scan *scan, const char *(*word_of)(int), int count)
{
    struct str_view word;

    if (json_scan_word(scan, &word)) {
        for (int i = 0; i < count; i++) {
            if (str_view_equals_text(word, word_of(i))) {
                return i;
            }
        }
    }
    return -1;
}

static const char *kind_word(int kind)
{
    return audit_kind_word((enum audit_kind)kind);
}

static const char *source_word(int source)
{
    return audit_source_word((enum audit_source)source);
}

static const char *status_word(int status)
{
    return audit_status_word((enum audit_status)status);
}

static const char *phase_word(int phase)
{
    return audit_phase_word((enum audit_phase)phase);
}

static const char *decision_word(int decision)
{
    return audit_decision_word((enum audit_decision)decision);
}

static bool read_value(struct json_scan *scan, enum value_type type, void *field)
{
    int64_t time;
    int word;

    switch (type) {
    case VALUE_VERSION:
        return json_scan_char(scan, '1');
    case VALUE_COUNT:
        return json_scan_count(scan, field);
    case VALUE_COUNT_TEXT:
        return read_count_text(scan, field);
    case VALUE_TEXT:
        return json_scan_string(scan, field);
    case VALUE_WORD:
        return json_scan_word(scan, field);
    case VALUE_HEX:
        return read_hex(scan, field);
    case VALUE_HASH:
        return read_hash(scan, false, field);
    case VALUE_NO_HASH:
        return read_hash(scan, true, field);
    case VALUE_TAG_HASH:
        return read_tagged_hash(scan);
    case VALUE_TIME:
        return json_scan_word(scan, field) &&
               record_time_parse(*(struct str_view *)field, &time) == 0;
    case VALUE_MILLISECONDS:
        return json_scan_milliseconds(scan, field);
    case VALUE_ARRAY:
        return scan->at < scan->end && *scan->at == '[' && json_scan_value(scan, field);
    case VALUE_SOURCE:
        word = read_enum(scan, source_word, AUDIT_SOURCE_COUNT);
        *(enum audit_source *)field = word < 0 ? 0 : (enum audit_source)word;
        return word >= 0;
    case VALUE_KIND:
        word = read_enum(scan, kind_word, AUDIT_KIND_COUNT);
        *(enum audit_kind *)field = word < 0 ? 0 : (enum audit_kind)word;
        return word >= 0;
    case VALUE_STATUS:
        word = read_enum(scan, status_word, AUDIT_STATUS_COUNT);
        *(enum audit_status *)field = word < 0 ? 0 : (enum audit_status)word;
        return word >= 0;
    case VALUE_PHASE:
        word = read_enum(scan, phase_word, AUDIT_PHASE_COUNT);
        *(enum audit_phase *)field = word < 0 ? 0 : (enum audit_phase)word;
        return word >= 0;
    }
    return false;
}

/* ---- objects ----------------------------------------------------------------------------- */

static bool take(struct json_scan *scan, const char *literal, size_t length)
{
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, literal, length) != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

/* A mask of the first `count` bytes of a word in memory, of 1 to 7. */
static inline uint64_t low_bytes(size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (UINT64_C(1) << (8 * count)) - 1;
#else
    return ~(UINT64_MAX >> (8 * count));
#endif
}

#define TAKE(scan, literal) take(scan, literal, sizeof(literal) - 1)

/* The same for a row of a table: eight bytes at a time, without a call. */
static inline bool take_row(struct json_scan *scan, const struct member *row)
{
    size_t length = row->literal_length;
    uint64_t wrong = 0;

    if ((size_t)(scan->end - scan->at) < LITERAL_ROOM) {
        return take(scan, row->literal, length);
    }
    for (size_t at = 0; at < length && wrong == 0; at += 8) {
        uint64_t stands;
        uint64_t wanted;

        memcpy(&stands, scan->at + at, sizeof(stands));
        memcpy(&wanted, row->literal + at, sizeof(wanted));
        wrong = stands ^ wanted;
        if (length - at < 8) {
            wrong &= low_bytes(length - at);
        }
    }
    if (wrong != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

static bool stands_next(const struct json_scan *scan, const char *literal)
{
    struct json_scan copy = *scan;

    return take(&copy, literal, strlen(literal));
}

static bool read_members(struct json_scan *scan, struct member_table table,
                         struct audit_record *record)
{
    for (size_t i = 0; i < table.count; i++) {
        const struct member *row = &table.rows[i];

        if (take_row(scan, row)) {
            if (!read_value(scan, (enum value_type)row->type, (char *)record + row->offset)) {
                return false;
            }
        } else if (row->required) {
            return false;
        }
    }
    return true;
}

/* Members of the producer's own making, up to `,"args_hash":`; their names are theirs. */
static bool read_own_members(struct json_scan *scan, struct str_view *ret_members)
{
    const char *start = scan->at;

    while (!stands_next(scan, ",\"args_hash\":")) {
        struct json_text name;
        struct str_view value;

        if (!json_scan_char(scan, ',') || !json_scan_string(scan, &name) ||
            !json_scan_char(scan, ':') || !json_scan_value(scan, &value)) {
            return false;
        }
    }
    if (scan->at > start) {
        *ret_members = (struct str_view){start + 1, (size_t)(scan->at - start - 1)};
    }
    return true;
}

static bool read_call_source(struct json_scan *scan, struct audit_record *record)
{
    switch (record->source) {
    case AUDIT_SOURCE_FS:
        return read_members(scan, TABLE(call_fs_rows), record);
    case AUDIT_SOURCE_NET:
        return read_members(scan, TABLE(call_net_rows), record);
    case AUDIT_SOURCE_DNS:
        return read_members(scan, TABLE(call_dns_rows), record);
    case AUDIT_SOURCE_EXEC:
        return read_members(scan, TABLE(call_exec_rows), record);
    case AUDIT_SOURCE_RUN:
    case AUDIT_SOURCE_AUDIT:
        return read_own_members(scan, &record->call.members);
    case AUDIT_SOURCE_COUNT:
        break;
    }
    return false;
}

static bool bytes_are_whole(const struct record_bytes *bytes)
{
    return record_bytes_present(bytes) || (bytes->hex.bytes == NULL && bytes->sha256.bytes == NULL);
}

static bool read_repeat(struct json_scan *scan, struct audit_record *record)
{
    return record->kind != AUDIT_KIND_REPEAT || record->source == AUDIT_SOURCE_RUN ||
           record->source == AUDIT_SOURCE_AUDIT ||
           read_members(scan, TABLE(call_repeat_rows), record);
}

static bool read_call(struct json_scan *scan, struct audit_record *record)
{
    const struct record_call *call = &record->call;

    return TAKE(scan, ",\"call\":") && read_members(scan, TABLE(call_begin_rows), record) &&
           read_call_source(scan, record) && bytes_are_whole(&call->path) &&
           bytes_are_whole(&call->path2) && bytes_are_whole(&call->host) &&
           bytes_are_whole(&call->sni) && read_repeat(scan, record) &&
           read_members(scan, TABLE(call_end_rows), record) && json_scan_char(scan, '}');
}

static bool read_decision(struct json_scan *scan, struct record_policy *policy)
{
    int word;

    if (!TAKE(scan, ",\"decision\":")) {
        return false;
    }
    if (TAKE(scan, "\"\"")) {
        return true;
    }
    word = read_enum(scan, decision_word, AUDIT_DECISION_COUNT);
    policy->has_decision = word >= 0;
    policy->decision = word < 0 ? 0 : (enum audit_decision)word;
    return word >= 0;
}

static bool read_policy(struct json_scan *scan, struct audit_record *record)
{
    return TAKE(scan, ",\"policy\":") && read_members(scan, TABLE(policy_begin_rows), record) &&
           read_decision(scan, &record->policy) &&
           read_members(scan, TABLE(policy_end_rows), record) && json_scan_char(scan, '}');
}

static bool read_outcome(struct json_scan *scan, struct audit_record *record)
{
    record->has_status = stands_next(scan, ",\"status\":");
    if (record->has_status && !read_members(scan, TABLE(status_rows), record)) {
        return false;
    }
    return read_members(scan, TABLE(outcome_rows), record) &&
           (!record->has_status || read_members(scan, TABLE(phase_rows), record));
}

static bool read_reference(struct json_scan *scan, struct audit_record *record)
{
    record->has_of = stands_next(scan, ",\"of\":");
    record->has_of_pseq = stands_next(scan, ",\"of_producer\":");
    if (record->has_of) {
        return read_members(scan, TABLE(of_rows), record);
    }
    return !record->has_of_pseq || read_members(scan, TABLE(of_pseq_rows), record);
}

/* ---- parts that a line often has as the line before has them ------------------------------- */

/* Does it stand here, word for word? Each part ends where its grammar ends it, so nothing that
 * follows can belong to it. */
static bool take_again(struct json_scan *scan, struct str_view part)
{
    return part.length > 0 && take(scan, part.bytes, part.length);
}

static struct str_view part_from(const struct json_scan *scan, const char *start)
{
    return (struct str_view){.bytes = start, .length = (size_t)(scan->at - start)};
}

static bool read_actor(struct json_scan *scan, const struct audit_record *before,
                       struct audit_record *record)
{
    const char *start = scan->at;

    if (take_again(scan, before->actor_part)) {
        record->has_actor = true;
        record->actor = before->actor;
        record->actor_part = before->actor_part;
        return true;
    }
    record->has_actor = TAKE(scan, ",\"actor\":");
    if (!record->has_actor) {
        return true;
    }
    if (!read_members(scan, TABLE(actor_rows), record) || !json_scan_char(scan, '}')) {
        return false;
    }
    record->actor_part = part_from(scan, start);
    return true;
}

/* Policy, outcome, redaction. */
static bool read_verdict(struct json_scan *scan, const struct audit_record *before,
                         struct audit_record *record)
{
    const char *start = scan->at;

    if (take_again(scan, before->verdict_part)) {
        record->policy = before->policy;
        record->has_status = before->has_status;
        record->status = before->status;
        record->code = before->code;
        record->reason = before->reason;
        record->error = before->error;
        record->phase = before->phase;
        record->input_redactions = before->input_redactions;
        record->output_redactions = before->output_redactions;
        record->verdict_part = before->verdict_part;
        return true;
    }
    if (!read_policy(scan, record) || !read_outcome(scan, record) ||
        !TAKE(scan, ",\"redaction\":") || !read_members(scan, TABLE(redaction_rows), record) ||
        !json_scan_char(scan, '}')) {
        return false;
    }
    record->verdict_part = part_from(scan, start);
    return true;
}

static bool read_merkle(struct json_scan *scan, const struct audit_record *before,
                        struct audit_record *record)
{
    const char *start = scan->at;

    if (take_again(scan, before->tree_part)) {
        record->tree_size = before->tree_size;
        record->tree_root = before->tree_root;
        record->tree_part = before->tree_part;
    } else if (read_members(scan, TABLE(tree_rows), record)) {
        record->tree_part = part_from(scan, start);
    } else {
        return false;
    }
    return read_members(scan, TABLE(chain_rows), record);
}

static bool read_record(struct json_scan *scan, const struct audit_record *before,
                        struct audit_record *record)
{
    return read_members(scan, TABLE(order_rows), record) && read_reference(scan, record) &&
           read_actor(scan, before, record) && read_call(scan, record) &&
           read_verdict(scan, before, record) && TAKE(scan, ",\"timing\":") &&
           read_members(scan, TABLE(timing_rows), record) && TAKE(scan, "},\"merkle\":") &&
           read_merkle(scan, before, record) && TAKE(scan, "}}") && scan->at == scan->end;
}

#define NO_COUNT UINT64_MAX

/* Gives the offset of what is wrong; -1 when all is as it must be. */
static ptrdiff_t read_line(struct str_view line, const struct audit_record *before,
                           struct audit_record *ret_record)
{
    struct json_scan scan = json_scan_init(line);

    *ret_record = (struct audit_record){.line = line, .count = NO_COUNT};
    if (!read_record(&scan, before, ret_record) || ret_record->count < 2) {
        *ret_record = (struct audit_record){0};
        return scan.at - line.bytes;
    }
    if (ret_record->count == NO_COUNT) {
        ret_record->count = 1; /* the one spelling of one is to say nothing */
    }
    return -1;
}

int audit_record_read(struct str_view line, struct audit_record *ret_record, size_t *reterr_offset)
{
    static const struct audit_record none = {0};
    ptrdiff_t wrong = read_line(line, &none, ret_record);

    if (wrong >= 0 && reterr_offset != NULL) {
        *reterr_offset = (size_t)wrong;
    }
    return wrong < 0 ? 0 : -EBADMSG;
}

int audit_record_read_next(struct str_view line, const struct audit_record *before,
                           struct audit_record *ret_record)
{
    return read_line(line, before, ret_record) < 0 ? 0 : -EBADMSG;
}
