#include "shared/crypto/ed25519.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct ed25519_key {
    EVP_PKEY *pair;
    uint8_t public_key[ED25519_PUBLIC_SIZE];
};

/* Nobody's configuration file or environment says what our signatures are. */
static void open_library(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

void ed25519_prepare(void)
{
    static const uint8_t none[ED25519_PUBLIC_SIZE] = {0};

    (void)ed25519_verify(none, none, sizeof(none), (const uint8_t[ED25519_SIGNATURE_SIZE]){0});
}

struct ed25519_key *ed25519_key_new(const uint8_t seed[static ED25519_SEED_SIZE])
{
    struct ed25519_key *key = calloc(1, sizeof(*key));
    size_t length = sizeof(key->public_key);

    if (key == NULL) {
        return NULL;
    }
    open_library();
    key->pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
    if (key->pair == NULL ||
        EVP_PKEY_get_raw_public_key(key->pair, key->public_key, &length) != 1 ||
        length != sizeof(key->public_key)) {
        ed25519_key_free(key);
        return NULL;
    }
    return key;
}

void ed25519_key_free(struct ed25519_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pair);
        free(key);
    }
}

void ed25519_key_public(const struct ed25519_key *key,
                        uint8_t ret_public[static ED25519_PUBLIC_SIZE])
{
    memcpy(ret_public, key->public_key, ED25519_PUBLIC_SIZE);
}

int ed25519_sign(const struct ed25519_key *key, const void *message, size_t length,
                 uint8_t ret_signature[static ED25519_SIGNATURE_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t signature_length = ED25519_SIGNATURE_SIZE;
    int done;

    if (context == NULL) {
        return -ENOMEM;
    }
    done = EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
           EVP_DigestSign(context, ret_signature, &signature_length, message, length) == 1;
    EVP_MD_CTX_free(context);
    return done ? 0 : -EIO;
}

bool ed25519_verify(const uint8_t public_key[static ED25519_PUBLIC_SIZE], const void *message,
                    size_t length, const uint8_t signature[static ED25519_SIGNATURE_SIZE])
{
    EVP_PKEY *key;
    EVP_MD_CTX *context;
    bool valid;

    open_library();
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ED25519_PUBLIC_SIZE);
    context = EVP_MD_CTX_new();
    valid = key != NULL && context != NULL &&
            EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
            EVP_DigestVerify(context, signature, ED25519_SIGNATURE_SIZE, message, length) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return valid;
}

void secret_wipe(void *bytes, size_t length)
{
    OPENSSL_cleanse(bytes, length);
}
