/*
 * Ed25519 signatures (RFC 8032) through OpenSSL.
 *
 * Ownership: ed25519_key_new() gives the caller a key; ed25519_key_free() wipes and releases it.
 * Threads: a key may be used by one thread at a time. Errors: negative errno.
 */
#ifndef FAILCORE_CRYPTO_ED25519_H
#define FAILCORE_CRYPTO_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_SEED_SIZE      32
#define ED25519_PUBLIC_SIZE    32
#define ED25519_SIGNATURE_SIZE 64

struct ed25519_key;

/* NULL when OpenSSL cannot. The seed is the private key of RFC 8032 section 5.1.5. */
struct ed25519_key *ed25519_key_new(const uint8_t seed[static ED25519_SEED_SIZE]);
void ed25519_key_free(struct ed25519_key *key);

void ed25519_key_public(const struct ed25519_key *key,
                        uint8_t ret_public[static ED25519_PUBLIC_SIZE]);
int ed25519_sign(const struct ed25519_key *key, const void *message, size_t length,
                 uint8_t ret_signature[static ED25519_SIGNATURE_SIZE]);
/* False also when OpenSSL cannot. */
bool ed25519_verify(const uint8_t public_key[static ED25519_PUBLIC_SIZE], const void *message,
                    size_t length, const uint8_t signature[static ED25519_SIGNATURE_SIZE]);

/*
 * The first signature that is verified takes a millisecond more than the others, for OpenSSL's
 * provider: now, for who has the time. Nothing has to call it.
 */
void ed25519_prepare(void);

/* Overwrites secrets so that the compiler keeps it. */
void secret_wipe(void *bytes, size_t length);

#endif
