#include "tests/support/unit.h"

#include "shared/crypto/sha256.h"

/* FIPS 180-4 examples. */
static void known_answers(void **state)
{
    struct sha256 *sha = sha256_new();
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    (void)state;
    assert_non_null(sha);
    assert_int_equal(sha256_of(sha, "abc", 3, digest), 0);
    hex_encode(digest, sizeof(digest), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(sha256_of(sha, "", 0, digest), 0);
    hex_encode(digest, sizeof(digest), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_free(sha);
}

static void pieces_give_the_same_digest(void **state)
{
    struct sha256 *sha = sha256_new();
    uint8_t whole[SHA256_SIZE];
    uint8_t pieces[SHA256_SIZE];

    (void)state;
    assert_non_null(sha);
    assert_int_equal(sha256_of(sha,
                               "ab"
                               "cd",
                               4, whole),
                     0);
    assert_int_equal(sha256_begin(sha), 0);
    assert_int_equal(sha256_add(sha, "ab", 2), 0);
    assert_int_equal(sha256_add(sha, "cd", 2), 0);
    assert_int_equal(sha256_end(sha, pieces), 0);
    assert_memory_equal(whole, pieces, SHA256_SIZE);
    sha256_free(sha);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(pieces_give_the_same_digest),
    };

    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
