#include "tests/support/unit.h"

#include <string.h>

#include "shared/crypto/hmac_sha256.h"

static void check(const uint8_t *key, size_t key_length, const void *bytes, size_t length,
                  const char *wanted)
{
    uint8_t filled[HMAC_SHA256_KEY_SIZE] = {0}; /* RFC 2104: zeros at its end change nothing */
    uint8_t code[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    memcpy(filled, key, key_length);
    assert_int_equal(hmac_sha256(filled, bytes, length, code), 0);
    hex_encode(code, sizeof(code), hex);
    assert_string_equal(hex, wanted);
}

/* RFC 4231, test cases 1 to 4: those with a key of no more than 32 bytes. */
static void known_answers(void **state)
{
    uint8_t key[25];
    uint8_t bytes[50];

    (void)state;
    memset(key, 0x0b, 20);
    check(key, 20, "Hi There", 8,
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check((const uint8_t *)"Jefe", 4, "what do ya want for nothing?", 28,
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, 20);
    memset(bytes, 0xdd, 50);
    check(key, 20, bytes, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    for (uint8_t i = 0; i < 25; i++) {
        key[i] = (uint8_t)(i + 1);
    }
    memset(bytes, 0xcd, 50);
    check(key, 25, bytes, 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
    };

    return cmocka_run_group_tests_name("hmac_sha256", tests, NULL, NULL);
}
