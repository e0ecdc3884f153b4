#include "tests/support/unit.h"

#include "shared/crypto/sha256_pair.h"

#define LONGEST 400U

/* What one text alone has, through OpenSSL. */
static void expected(struct sha256 *sha, const struct sha256_text *text,
                     uint8_t digest[static SHA256_SIZE])
{
    assert_int_equal(sha256_begin(sha), 0);
    assert_int_equal(sha256_add(sha, &text->first, 1), 0);
    assert_int_equal(sha256_add(sha, text->bytes, text->length), 0);
    assert_int_equal(sha256_add(sha, text->ending, text->ending_length), 0);
    assert_int_equal(sha256_end(sha, digest), 0);
}

static void check(struct sha256 *sha, const struct sha256_text text[static 2])
{
    uint8_t wanted[2][SHA256_SIZE];
    uint8_t got[2][SHA256_SIZE];

    expected(sha, &text[0], wanted[0]);
    expected(sha, &text[1], wanted[1]);
    assert_int_equal(sha256_pair(sha, text, got), 0);
    assert_memory_equal(wanted[0], got[0], SHA256_SIZE);
    assert_memory_equal(wanted[1], got[1], SHA256_SIZE);
}

/* Every length from nothing to six blocks, beside every length that differs in its blocks. */
static void every_length_is_as_one_alone(void **state)
{
    struct sha256 *sha = sha256_new();
    uint8_t bytes[2 * LONGEST];

    (void)state;
    assert_non_null(sha);
    for (unsigned int i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 167 + i / 256);
    }
    for (size_t left = 0; left <= LONGEST; left++) {
        for (size_t right = 0; right <= LONGEST; right += left % 7 + 5) {
            for (size_t ending = 0; ending <= SHA256_ENDING_MAX; ending += SHA256_ENDING_MAX / 4) {
                const struct sha256_text text[2] = {
                    {.first = 0,
                     .bytes = bytes + left % 16,
                     .length = left,
                     .ending = "}}",
                     .ending_length = 2},
                    {.first = (uint8_t)left,
                     .bytes = bytes + right,
                     .length = right,
                     .ending = "01234567",
                     .ending_length = ending},
                };

                check(sha, text);
            }
        }
    }
    sha256_free(sha);
}

/* FIPS 180-4's example: not only what OpenSSL says. */
static void known_answer(void **state)
{
    struct sha256 *sha = sha256_new();
    const struct sha256_text text[2] = {
        {.first = 'a', .bytes = "bc", .length = 2},
        {.first = 'a',
         .bytes = "bcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnop",
         .length = 54,
         .ending = "q",
         .ending_length = 1},
    };
    uint8_t digest[2][SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    (void)state;
    assert_non_null(sha);
    assert_int_equal(sha256_pair(sha, text, digest), 0);
    hex_encode(digest[0], SHA256_SIZE, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hex_encode(digest[1], SHA256_SIZE, hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    sha256_free(sha);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_as_one_alone),
        cmocka_unit_test(known_answer),
    };

    return cmocka_run_group_tests_name("sha256_pair", tests, NULL, NULL);
}
