#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "shared/crypto/base64.h"
#include "shared/crypto/ed25519.h"
#include "shared/crypto/sha256.h"

/* RFC 8032 section 7.1, test 2. */
static void known_answer(void **state)
{
    static const uint8_t seed[ED25519_SEED_SIZE] = {0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda,
                                                    0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f,
                                                    0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24,
                                                    0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb};
    struct ed25519_key *key = ed25519_key_new(seed);
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    char hex[2 * ED25519_SIGNATURE_SIZE + 1];

    (void)state;
    assert_non_null(key);
    ed25519_key_public(key, public_key);
    hex_encode(public_key, sizeof(public_key), hex);
    assert_string_equal(hex, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    assert_int_equal(ed25519_sign(key, "\x72", 1, signature), 0);
    hex_encode(signature, sizeof(signature), hex);
    assert_string_equal(hex, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                             "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    assert_true(ed25519_verify(public_key, "\x72", 1, signature));
    assert_false(ed25519_verify(public_key, "\x73", 1, signature));
    signature[63] ^= 1;
    assert_false(ed25519_verify(public_key, "\x72", 1, signature));
    ed25519_key_free(key);
}

static void base64_is_canonical(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}}; /* RFC 4648 */
    static const char *const wrong[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zm9v\n", "Zm-v", "===="};
    char decoded[16];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text_buffer text = {0};
        int length = base64_decode(str_view_from(rows[i].text), decoded, sizeof(decoded));

        base64_append(&text, rows[i].bytes, strlen(rows[i].bytes));
        assert_string_equal(text_buffer_text(&text), rows[i].text);
        assert_int_equal(length, strlen(rows[i].bytes));
        assert_memory_equal(decoded, rows[i].bytes, (size_t)length);
        text_buffer_clear(&text);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(base64_decode(str_view_from(wrong[i]), decoded, sizeof(decoded)),
                         -EBADMSG);
    }
    assert_int_equal(base64_decode(str_view_from("Zm9vYmFy"), decoded, 5), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answer),
        cmocka_unit_test(base64_is_canonical),
    };

    return cmocka_run_group_tests_name("ed25519", tests, NULL, NULL);
}
