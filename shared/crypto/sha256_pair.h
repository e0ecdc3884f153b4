/*
 * SHA-256 of two texts at once, for who has many short ones: a verifier of a log.
 *
 * One digest is a chain of dependent instructions, and a processor waits for each of them most of
 * the time. Two digests fill each other's waits: with the SHA instructions of x86 that is nearly
 * twice as fast as one after the other. On other processors OpenSSL makes both, one by one.
 *
 * Threads: any; a context of sha256.h belongs to one thread at a time. Errors: negative errno.
 */
#ifndef FAILCORE_CRYPTO_SHA256_PAIR_H
#define FAILCORE_CRYPTO_SHA256_PAIR_H

#include <stdbool.h>

#include "shared/crypto/sha256.h"

#define SHA256_ENDING_MAX 8U

/* A text that begins with a byte of its own and has an ending: neither is copied to it. */
struct sha256_text {
    uint8_t first;
    const void *bytes;
    size_t length;
    const char *ending; /* at most SHA256_ENDING_MAX bytes */
    size_t ending_length;
};

/* Asked once for a context, and only by who has pairs: where a hypervisor answers, that takes
 * longer than many digests. */
bool sha256_processor_pairs(void);
bool sha256_pairs_at_once(struct sha256 *sha);

int sha256_pair(struct sha256 *sha, const struct sha256_text text[static 2],
                uint8_t ret_digest[static 2][SHA256_SIZE]);

#endif
