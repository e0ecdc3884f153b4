#include "shared/audit/proof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/audit/segment.h"
#include "shared/audit/signed_head.h"
#include "shared/audit/tile.h"
#include "shared/base/cleanup.h"
#include "shared/crypto/base64.h"

#define HEADER "c2sp.org/tlog-proof@v1\n"

/* The record that is there may not be the one that was signed: then there is nothing to prove. */
static int check_made(struct sha256 *sha, uint64_t seq, struct str_view text,
                      const struct checkpoint *head, const uint8_t hashes[][SHA256_SIZE],
                      unsigned int count, struct failure *reterr)
{
    struct segment_line line;
    const char *why = "it is not the one that was signed";

    if (segment_line_read(text, sha, &line, &why) < 0 || line.seq != seq ||
        !merkle_proof_holds(sha, line.hash, seq, head->size, hashes, count, head->root)) {
        failure_set_mend(reterr, "failcore audit verify");
        return failure_set(reterr, -EBADMSG, "the record %" PRIu64 " cannot be proved: %s", seq,
                           why);
    }
    return 0;
}

static int make(int directory, struct sha256 *sha, uint64_t seq, struct str_view line,
                struct text_buffer *text, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    uint8_t hashes[MERKLE_PROOF_MAX][SHA256_SIZE];
    struct note_key key;
    struct checkpoint head;
    int count;
    int error = audit_key_read(directory, NULL, sha, &key, reterr);

    if (error == 0) {
        error = audit_head_read(directory, &key, &note, &head, reterr);
    }
    if (error < 0) {
        return error;
    }
    if (seq >= head.size) {
        failure_set_mend(reterr, "try again in a second");
        return failure_set(reterr, -ENODATA, "seq %" PRIu64 " is not signed yet", seq);
    }
    count = tile_inclusion_proof(directory, sha, seq, head.size, hashes);
    if (count < 0) {
        failure_set_mend(reterr, "failcore audit verify");
        return failure_set(reterr, count, "cannot read the tree: %s", strerror(-count));
    }
    error = check_made(sha, seq, line, &head, (const uint8_t(*)[SHA256_SIZE])hashes,
                       (unsigned int)count, reterr);
    if (error < 0) {
        return error;
    }
    text_buffer_append_text(text, HEADER "extra ");
    base64_append(text, line.bytes, line.length);
    text_buffer_printf(text, "\nindex %" PRIu64 "\n", seq);
    for (int i = 0; i < count; i++) {
        base64_append(text, hashes[i], SHA256_SIZE);
        text_buffer_append_char(text, '\n');
    }
    text_buffer_append_char(text, '\n');
    text_buffer_append(text, text_buffer_view(&note));
    return text_buffer_error(text);
}

int proof_make(int directory, uint64_t seq, struct str_view line, struct text_buffer *text,
               struct failure *reterr)
{
    struct sha256 *sha = sha256_new();
    int error = sha == NULL ? failure_set(reterr, -ENOMEM, "no memory")
                            : make(directory, sha, seq, line, text, reterr);

    sha256_free(sha);
    return error;
}

struct proof_parts {
    struct str_view extra;
    uint64_t index;
    uint8_t hash[MERKLE_PROOF_MAX][SHA256_SIZE];
    unsigned int count;
    struct str_view note;
};

static bool take_prefix(struct str_view *line, struct str_view prefix)
{
    if (!str_view_starts_with(*line, prefix)) {
        return false;
    }
    line->bytes += prefix.length;
    line->length -= prefix.length;
    return true;
}

static bool parse_index(struct str_view digits, uint64_t *ret_index)
{
    uint64_t index = 0;

    for (size_t i = 0; i < digits.length; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9' ||
            __builtin_mul_overflow(index, 10U, &index) ||
            __builtin_add_overflow(index, (uint64_t)(digits.bytes[i] - '0'), &index)) {
            return false;
        }
    }
    *ret_index = index;
    return digits.length > 0 && (digits.length == 1 || digits.bytes[0] != '0');
}

static bool parse(struct str_view text, struct proof_parts *parts)
{
    struct str_view line;

    if (!take_prefix(&text, STR_VIEW_LITERAL(HEADER)) || !segment_take_line(&text, &line) ||
        !take_prefix(&line, STR_VIEW_LITERAL("extra "))) {
        return false;
    }
    parts->extra = line;
    if (!segment_take_line(&text, &line) || !take_prefix(&line, STR_VIEW_LITERAL("index ")) ||
        !parse_index(line, &parts->index)) {
        return false;
    }
    while (segment_take_line(&text, &line) && line.length > 0) {
        if (parts->count == MERKLE_PROOF_MAX ||
            base64_decode(line, parts->hash[parts->count++], SHA256_SIZE) != SHA256_SIZE) {
            return false;
        }
    }
    parts->note = text;
    return text.length > 0;
}

static int check(struct sha256 *sha, const struct proof_parts *parts, const struct note_key *key,
                 struct text_buffer *ret_line, struct failure *reterr)
{
    AUTO_FREE char *bytes = malloc(RECORD_LINE_MAX);
    struct checkpoint head;
    struct segment_line line;
    const char *why = "";
    int length = bytes == NULL ? -ENOMEM : base64_decode(parts->extra, bytes, RECORD_LINE_MAX);

    if (length < 0) {
        return failure_set(reterr, length, "the proof holds no record");
    }
    if (segment_line_read((struct str_view){.bytes = bytes, .length = (size_t)length}, sha, &line,
                          &why) < 0) {
        return failure_set(reterr, -EBADMSG, "the record: %s", why);
    }
    if (line.seq != parts->index) {
        return failure_set(reterr, -EBADMSG, "the record has another seq than the proof");
    }
    if (checkpoint_open(parts->note, key, &head) < 0) {
        return failure_set(reterr, -EBADMSG, "the checkpoint is not signed by %s", key->name);
    }
    if (!merkle_proof_holds(sha, line.hash, parts->index, head.size,
                            (const uint8_t(*)[SHA256_SIZE])parts->hash, parts->count, head.root)) {
        return failure_set(reterr, -EBADMSG, "the hashes do not lead to the signed root");
    }
    text_buffer_append(ret_line, line.text);
    return text_buffer_error(ret_line);
}

int proof_check(struct str_view text, const struct note_key *key, struct text_buffer *ret_line,
                uint64_t *ret_seq, struct failure *reterr)
{
    struct proof_parts parts = {0};
    struct sha256 *sha;
    int error;

    if (!parse(text, &parts)) {
        return failure_set(reterr, -EBADMSG, "not a proof of `failcore audit prove`");
    }
    sha = sha256_new();
    error = sha == NULL ? failure_set(reterr, -ENOMEM, "no memory")
                        : check(sha, &parts, key, ret_line, reterr);
    sha256_free(sha);
    if (error == 0) {
        *ret_seq = parts.index;
    }
    return error;
}
