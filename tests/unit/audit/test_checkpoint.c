/* Signed heads and verifier keys: what is one byte off is neither. */
#include "tests/support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/audit/checkpoint.h"
#include "shared/base/cleanup.h"

struct signer {
    struct ed25519_key *secret;
    struct sha256 *sha;
    struct note_key key;
};

static int set_up(void **state)
{
    static const uint8_t seed[ED25519_SEED_SIZE] = {1, 2, 3};
    struct signer *signer = calloc(1, sizeof(*signer));
    uint8_t public_key[ED25519_PUBLIC_SIZE];

    signer->secret = ed25519_key_new(seed);
    signer->sha = sha256_new();
    ed25519_key_public(signer->secret, public_key);
    assert_int_equal(note_key_make("log.example/one", public_key, signer->sha, &signer->key), 0);
    *state = signer;
    return 0;
}

static int tear_down(void **state)
{
    struct signer *signer = *state;

    ed25519_key_free(signer->secret);
    sha256_free(signer->sha);
    free(signer);
    return 0;
}

static void sign(const struct signer *signer, const char *origin, struct text_buffer *note)
{
    struct checkpoint head = {.size = 1234567, .root = {9, 8, 7}};

    memcpy(head.origin, origin, strlen(origin));
    assert_int_equal(checkpoint_sign(&head, &signer->key, signer->secret, note), 0);
}

static void what_was_signed_is_opened(void **state)
{
    const struct signer *signer = *state;
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct checkpoint head;

    sign(signer, "log.example/one", &note);
    assert_int_equal(checkpoint_open(text_buffer_view(&note), &signer->key, &head), 0);
    assert_int_equal(head.size, 1234567);
    assert_string_equal(head.origin, "log.example/one");
    assert_int_equal(head.root[0], 9);
}

static void a_changed_byte_opens_nothing(void **state)
{
    const struct signer *signer = *state;
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct checkpoint head;

    sign(signer, "log.example/one", &note);
    for (size_t at = 0; at < note.length; at++) {
        for (unsigned int bit = 0; bit < 8; bit++) {
            note.bytes[at] = (char)(note.bytes[at] ^ (1 << bit));
            assert_true(checkpoint_open(text_buffer_view(&note), &signer->key, &head) < 0);
            note.bytes[at] = (char)(note.bytes[at] ^ (1 << bit));
        }
        assert_true(checkpoint_open((struct str_view){note.bytes, at}, &signer->key, &head) < 0);
    }
}

static void a_head_of_another_log_is_not_ours(void **state)
{
    const struct signer *signer = *state;
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct checkpoint head;

    sign(signer, "log.example/two", &note);
    assert_int_equal(checkpoint_open(text_buffer_view(&note), &signer->key, &head), -EKEYREJECTED);
}

static void what_is_no_checkpoint_is_refused(void **state)
{
#define ROOT "CQgHAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    static const char *const notes[] = {
        "",
        "\n\n",
        "log\n",
        "log\n1\n" ROOT "\n",
        "\n1\n" ROOT "\n\n",
        "a b\n1\n" ROOT "\n\n",
        "a+b\n1\n" ROOT "\n\n",
        "log\n\n" ROOT "\n\n",
        "log\n01\n" ROOT "\n\n",
        "log\n-1\n" ROOT "\n\n",
        "log\n1x\n" ROOT "\n\n",
        "log\n18446744073709551616\n" ROOT "\n\n",
        "log\n99999999999999999999\n" ROOT "\n\n",
        "log\n1\nCQgH\n\n",
        "log\n1\n" ROOT "\nextension\n\n",
        "log\n1\n" ROOT "\n\nno newline",
    };
    const struct signer *signer = *state;
    char *long_note = calloc(1, CHECKPOINT_MAX + 2);
    struct checkpoint head;

    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        assert_int_equal(checkpoint_open(str_view_from(notes[i]), &signer->key, &head), -EBADMSG);
    }
    memset(long_note, 'a', CHECKPOINT_MAX + 1);
    memcpy(long_note, "a\n1\n" ROOT "\n\n", sizeof("a\n1\n" ROOT "\n\n") - 1);
    assert_int_equal(
        checkpoint_open((struct str_view){long_note, CHECKPOINT_MAX + 1}, &signer->key, &head),
        -EBADMSG);
    free(long_note);
    assert_int_equal(
        checkpoint_open(str_view_from("log\n0\n" ROOT "\n\nnobody\n\xe2\x80\x94 log AAAA\n"),
                        &signer->key, &head),
        -EKEYREJECTED);
}

static void a_key_is_read_as_it_is_written(void **state)
{
    const struct signer *signer = *state;
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    struct note_key key;

    note_key_append(&text, &signer->key);
    assert_int_equal(note_key_parse(text_buffer_view(&text), signer->sha, &key), 0);
    assert_memory_equal(key.public_key, signer->key.public_key, sizeof(key.public_key));
    for (size_t at = 0; at + 1 < text.length; at++) {
        char was = text.bytes[at];

        text.bytes[at] = was == '0' ? '1' : '0';
        assert_int_equal(note_key_parse(text_buffer_view(&text), signer->sha, &key), -EBADMSG);
        text.bytes[at] = was;
    }
}

static void names_that_no_note_can_carry_make_no_key(void **state)
{
    static const char *const names[] = {"", "a b", "a+b", "a\nb", "a\x7f", "caf\xc3\xa9"};
    const struct signer *signer = *state;
    char long_name[ORIGIN_MAX + 1] = "";
    struct note_key key;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(note_key_make(names[i], signer->key.public_key, signer->sha, &key),
                         -EINVAL);
    }
    memset(long_name, 'a', ORIGIN_MAX);
    assert_int_equal(note_key_make(long_name, signer->key.public_key, signer->sha, &key), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_signed_is_opened),         TEST(a_changed_byte_opens_nothing),
        TEST(a_head_of_another_log_is_not_ours), TEST(what_is_no_checkpoint_is_refused),
        TEST(a_key_is_read_as_it_is_written),    TEST(names_that_no_note_can_carry_make_no_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
