#include "shared/audit/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/crypto/base64.h"

#define NOTE_ED25519 0x01 /* C2SP signed-note: algorithm byte */
#define DASH         "\xE2\x80\x94 "

/* C2SP signed-note: a name has no blank and no plus. */
static bool name_is_sound(struct str_view name)
{
    if (name.length == 0 || name.length >= ORIGIN_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] <= ' ' || name.bytes[i] == '+' || name.bytes[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

int note_key_make(const char *name, const uint8_t public_key[static ED25519_PUBLIC_SIZE],
                  struct sha256 *sha, struct note_key *ret_key)
{
    struct note_key key = {0};
    uint8_t digest[SHA256_SIZE];
    const uint8_t algorithm = NOTE_ED25519;

    if (!name_is_sound(str_view_from(name))) {
        return -EINVAL;
    }
    if (sha256_begin(sha) < 0 || sha256_add(sha, name, strlen(name)) < 0 ||
        sha256_add(sha, "\n", 1) < 0 || sha256_add(sha, &algorithm, 1) < 0 ||
        sha256_add(sha, public_key, ED25519_PUBLIC_SIZE) < 0 || sha256_end(sha, digest) < 0) {
        return -EIO;
    }
    memcpy(key.name, name, strlen(name));
    memcpy(key.id, digest, sizeof(key.id));
    memcpy(key.public_key, public_key, ED25519_PUBLIC_SIZE);
    *ret_key = key;
    return 0;
}

void note_key_append(struct text_buffer *text, const struct note_key *key)
{
    uint8_t encoded[1 + ED25519_PUBLIC_SIZE] = {NOTE_ED25519};
    char id[9];

    memcpy(encoded + 1, key->public_key, ED25519_PUBLIC_SIZE);
    hex_encode(key->id, sizeof(key->id), id);
    text_buffer_printf(text, "%s+%s+", key->name, id);
    base64_append(text, encoded, sizeof(encoded));
    text_buffer_append_char(text, '\n');
}

/* Cuts `rest` at `mark`: the part before it, and `rest` behind it. */
static bool cut(struct str_view *rest, char mark, struct str_view *ret_part)
{
    const char *found = rest->length == 0 ? NULL : memchr(rest->bytes, mark, rest->length);

    if (found == NULL) {
        return false;
    }
    *ret_part = (struct str_view){.bytes = rest->bytes, .length = (size_t)(found - rest->bytes)};
    rest->bytes = found + 1;
    rest->length -= ret_part->length + 1;
    return true;
}

int note_key_parse(struct str_view text, struct sha256 *sha, struct note_key *ret_key)
{
    struct str_view name;
    struct str_view id;
    uint8_t encoded[1 + ED25519_PUBLIC_SIZE];
    char name_text[ORIGIN_MAX] = "";
    char id_text[9];
    struct note_key key;

    if (text.length > 0 && text.bytes[text.length - 1] == '\n') {
        text.length--;
    }
    if (!cut(&text, '+', &name) || !name_is_sound(name) || !cut(&text, '+', &id) ||
        base64_decode(text, encoded, sizeof(encoded)) != (int)sizeof(encoded) ||
        encoded[0] != NOTE_ED25519) {
        return -EBADMSG;
    }
    memcpy(name_text, name.bytes, name.length);
    if (note_key_make(name_text, encoded + 1, sha, &key) < 0) {
        return -EBADMSG;
    }
    hex_encode(key.id, sizeof(key.id), id_text);
    if (!str_view_equals_text(id, id_text)) {
        return -EBADMSG;
    }
    *ret_key = key;
    return 0;
}

static void append_body(struct text_buffer *text, const struct checkpoint *checkpoint)
{
    text_buffer_printf(text, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);
    base64_append(text, checkpoint->root, SHA256_SIZE);
    text_buffer_append_char(text, '\n');
}

int checkpoint_sign(const struct checkpoint *checkpoint, const struct note_key *name,
                    const struct ed25519_key *key, struct text_buffer *note)
{
    uint8_t signature[4 + ED25519_SIGNATURE_SIZE];
    size_t begin = note->length;
    int error;

    append_body(note, checkpoint);
    if (text_buffer_error(note) < 0) {
        return text_buffer_error(note);
    }
    memcpy(signature, name->id, sizeof(name->id));
    error = ed25519_sign(key, note->bytes + begin, note->length - begin, signature + 4);
    if (error < 0) {
        return error;
    }
    text_buffer_printf(note, "\n" DASH "%s ", name->name);
    base64_append(note, signature, sizeof(signature));
    text_buffer_append_char(note, '\n');
    return text_buffer_error(note);
}

static bool parse_size(struct str_view text, uint64_t *ret_size)
{
    uint64_t size = 0;

    if (text.length == 0 || (text.length > 1 && text.bytes[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' ||
            __builtin_mul_overflow(size, 10U, &size) ||
            __builtin_add_overflow(size, (uint64_t)(text.bytes[i] - '0'), &size)) {
            return false;
        }
    }
    *ret_size = size;
    return true;
}

/* The body up to and with its last newline; what follows is an empty line and signatures. */
static bool split_note(struct str_view note, struct str_view *ret_body,
                       struct str_view *ret_signatures)
{
    const char *gap = note.length > CHECKPOINT_MAX || note.length == 0
                          ? NULL
                          : memmem(note.bytes, note.length, "\n\n", 2);

    if (gap == NULL) {
        return false;
    }
    *ret_body = (struct str_view){.bytes = note.bytes, .length = (size_t)(gap - note.bytes) + 1};
    ret_signatures->bytes = gap + 2;
    ret_signatures->length = note.length - ret_body->length - 1;
    return true;
}

static bool signature_holds(struct str_view line, struct str_view body, const struct note_key *key)
{
    struct str_view dash = STR_VIEW_LITERAL(DASH);
    struct str_view name;
    uint8_t signature[4 + ED25519_SIGNATURE_SIZE];

    if (!str_view_starts_with(line, dash)) {
        return false;
    }
    line.bytes += dash.length;
    line.length -= dash.length;
    return cut(&line, ' ', &name) && str_view_equals_text(name, key->name) &&
           base64_decode(line, signature, sizeof(signature)) == (int)sizeof(signature) &&
           memcmp(signature, key->id, sizeof(key->id)) == 0 &&
           ed25519_verify(key->public_key, body.bytes, body.length, signature + 4);
}

int checkpoint_open(struct str_view note, const struct note_key *key,
                    struct checkpoint *ret_checkpoint)
{
    struct checkpoint checkpoint = {0};
    struct str_view body;
    struct str_view rest;
    struct str_view signatures;
    struct str_view line;
    bool is_signed = false;

    if (!split_note(note, &body, &signatures)) {
        return -EBADMSG;
    }
    rest = body;
    if (!cut(&rest, '\n', &line) || !name_is_sound(line)) {
        return -EBADMSG;
    }
    memcpy(checkpoint.origin, line.bytes, line.length);
    if (!cut(&rest, '\n', &line) || !parse_size(line, &checkpoint.size) ||
        !cut(&rest, '\n', &line) ||
        base64_decode(line, checkpoint.root, SHA256_SIZE) != SHA256_SIZE || rest.length != 0) {
        return -EBADMSG;
    }
    while (cut(&signatures, '\n', &line)) {
        is_signed |= signature_holds(line, body, key);
    }
    if (signatures.length != 0) {
        return -EBADMSG;
    }
    if (!is_signed || strcmp(checkpoint.origin, key->name) != 0) {
        return -EKEYREJECTED;
    }
    *ret_checkpoint = checkpoint;
    return 0;
}
