/*
 * HMAC with SHA-256 (RFC 2104), for keys of 32 bytes: whoever has not the key cannot make the code
 * of a text.
 *
 * Errors: negative errno. Threads: pure.
 */
#ifndef FAILCORE_CRYPTO_HMAC_SHA256_H
#define FAILCORE_CRYPTO_HMAC_SHA256_H

#include "shared/crypto/sha256.h"

#define HMAC_SHA256_KEY_SIZE 32

int hmac_sha256(const uint8_t key[static HMAC_SHA256_KEY_SIZE], const void *bytes, size_t length,
                uint8_t ret_code[static SHA256_SIZE]);

#endif
