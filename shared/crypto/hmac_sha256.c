#include "shared/crypto/hmac_sha256.h"

#include <errno.h>
#include <string.h>

#define BLOCK_SIZE 64 /* of SHA-256: a shorter key is filled up with zeros */

static int add_key(struct sha256 *sha, const uint8_t *key, uint8_t pad)
{
    uint8_t block[BLOCK_SIZE];
    int error;

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < HMAC_SHA256_KEY_SIZE; i++) {
        block[i] ^= key[i];
    }
    error = sha256_begin(sha);
    return error < 0 ? error : sha256_add(sha, block, sizeof(block));
}

int hmac_sha256(const uint8_t key[static HMAC_SHA256_KEY_SIZE], const void *bytes, size_t length,
                uint8_t ret_code[static SHA256_SIZE])
{
    struct sha256 *sha = sha256_new();
    uint8_t inner[SHA256_SIZE];
    int error = sha == NULL ? -ENOMEM : add_key(sha, key, 0x36);

    if (error == 0) {
        error = sha256_add(sha, bytes, length);
    }
    if (error == 0) {
        error = sha256_end(sha, inner);
    }
    if (error == 0) {
        error = add_key(sha, key, 0x5c);
    }
    if (error == 0) {
        error = sha256_add(sha, inner, sizeof(inner));
    }
    if (error == 0) {
        error = sha256_end(sha, ret_code);
    }
    sha256_free(sha);
    return error;
}
