/*
 * Notes, keys and proofs from strangers. What is accepted under a key is signed by it: a note whose
 * body differs in one byte from the one that was signed here must never open.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/audit/checkpoint.h"
#include "shared/audit/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void want(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint8_t seed[ED25519_SEED_SIZE] = {7};
    struct sha256 *sha = sha256_new();
    struct ed25519_key *secret = ed25519_key_new(seed);
    struct str_view text = {.bytes = (const char *)bytes, .length = length};
    struct text_buffer own = {0};
    struct text_buffer line = {0};
    struct text_buffer printed = {0};
    struct checkpoint head = {.origin = "log.example/1", .size = 42};
    struct checkpoint opened;
    struct note_key parsed;
    struct note_key key;
    struct failure failure = {0};
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    uint64_t seq;

    ed25519_key_public(secret, public_key);
    want(note_key_make(head.origin, public_key, sha, &key) == 0);
    want(checkpoint_sign(&head, &key, secret, &own) == 0);
    if (checkpoint_open(text, &key, &opened) == 0) {
        /* Other signatures may stand beside ours; the body is what we signed. */
        want(opened.size == 42 && strcmp(opened.origin, head.origin) == 0);
    }
    if (note_key_parse(text, sha, &parsed) == 0) {
        note_key_append(&printed, &parsed);
        want(printed.length == length || printed.length == length + 1);
        want(memcmp(printed.bytes, bytes, length) == 0);
    }
    want(proof_check(text, &key, &line, &seq, &failure) < 0);
    if (length > 0 && length < own.length) {
        own.bytes[length] ^= 1;
        want(checkpoint_open(text_buffer_view(&own), &key, &opened) < 0);
    }
    text_buffer_clear(&own);
    text_buffer_clear(&line);
    text_buffer_clear(&printed);
    ed25519_key_free(secret);
    sha256_free(sha);
    return 0;
}
