/*
 * OpenSSL's own functions, not those by way of a provider: to find a provider and the digest in it
 * costs 0.7 ms, a fiftieth of the start of a run in each of its three programs, and the digest is
 * the same code. They are deprecated because an application should not choose between engines; we
 * have none to choose from.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "shared/crypto/sha256.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "shared/crypto/sha256_pair.h"

struct sha256 {
    SHA256_CTX context;
    enum { PAIRS_UNASKED = 0, PAIRS_AT_ONCE, PAIRS_ONE_BY_ONE } pairs;
};

struct sha256 *sha256_new(void)
{
    return calloc(1, sizeof(struct sha256));
}

void sha256_free(struct sha256 *sha)
{
    free(sha);
}

bool sha256_pairs_at_once(struct sha256 *sha)
{
    if (sha->pairs == PAIRS_UNASKED) {
        sha->pairs = sha256_processor_pairs() ? PAIRS_AT_ONCE : PAIRS_ONE_BY_ONE;
    }
    return sha->pairs == PAIRS_AT_ONCE;
}

int sha256_begin(struct sha256 *sha)
{
    return SHA256_Init(&sha->context) == 1 ? 0 : -EIO;
}

int sha256_add(struct sha256 *sha, const void *bytes, size_t length)
{
    return SHA256_Update(&sha->context, bytes, length) == 1 ? 0 : -EIO;
}

int sha256_end(struct sha256 *sha, uint8_t ret_digest[static SHA256_SIZE])
{
    return SHA256_Final(ret_digest, &sha->context) == 1 ? 0 : -EIO;
}

int sha256_of(struct sha256 *sha, const void *bytes, size_t length,
              uint8_t ret_digest[static SHA256_SIZE])
{
    int error = sha256_begin(sha);

    if (error == 0) {
        error = sha256_add(sha, bytes, length);
    }
    return error == 0 ? sha256_end(sha, ret_digest) : error;
}

void hex_encode(const uint8_t *bytes, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 0xF];
    }
    text[2 * length] = '\0';
}
