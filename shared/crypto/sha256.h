/*
 * SHA-256 (FIPS 180-4) through OpenSSL, the context kept.
 *
 * Ownership: sha256_new() gives the caller a context; release it with sha256_free().
 * Threads: a context belongs to one thread at a time.
 * Errors: negative errno.
 */
#ifndef FAILCORE_CRYPTO_SHA256_H
#define FAILCORE_CRYPTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65 /* with its NUL */

struct sha256;

/* NULL without memory. */
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *sha);

/* Begins anew, whatever came before. */
int sha256_begin(struct sha256 *sha);
int sha256_add(struct sha256 *sha, const void *bytes, size_t length);
int sha256_end(struct sha256 *sha, uint8_t ret_digest[static SHA256_SIZE]);

/* All three for one text. */
int sha256_of(struct sha256 *sha, const void *bytes, size_t length,
              uint8_t ret_digest[static SHA256_SIZE]);

/* Lower-case hexadecimal digits of any bytes; `text` holds 2 * length + 1. */
void hex_encode(const uint8_t *bytes, size_t length, char *text);

#endif
