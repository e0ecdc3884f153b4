#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/audit/checkpoint.h"
#include "shared/audit/tile.h"

static void leaf_of(struct sha256 *sha, uint64_t number, uint8_t leaf[static SHA256_SIZE])
{
    assert_int_equal(sha256_of(sha, &number, sizeof(number), leaf), 0);
}

/* The definition, word for word: RFC 6962 section 2.1. */
static void defined_root(struct sha256 *sha, uint64_t start, uint64_t count,
                         uint8_t root[static SHA256_SIZE])
{
    uint8_t left[SHA256_SIZE];
    uint8_t right[SHA256_SIZE];
    uint64_t k = 1;

    if (count == 0) {
        assert_int_equal(sha256_of(sha, "", 0, root), 0);
        return;
    }
    if (count == 1) {
        leaf_of(sha, start, root);
        return;
    }
    while (k * 2 < count) {
        k *= 2;
    }
    defined_root(sha, start, k, left);
    defined_root(sha, start + k, count - k, right);
    assert_int_equal(merkle_node(sha, left, right, root), 0);
}

struct fixture {
    struct sha256 *sha;
    struct merkle_tree tree;
    int directory;
    char path[64];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->sha = sha256_new();
    snprintf(fixture->path, sizeof(fixture->path), "/tmp/failcore-merkle.XXXXXX");
    if (mkdtemp(fixture->path) == NULL) {
        return -1;
    }
    fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = fixture;
    return fixture->directory < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"tile/0/000", "tile/0/001", "tile/0/002", "tile/0/002.p/88",
                                        "tile/1/000.p/2"};
    static const char *const directories[] = {"tile/0/002.p", "tile/1/000.p", "tile/0", "tile/1",
                                              "tile"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlinkat(fixture->directory, names[i], 0);
    }
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        unlinkat(fixture->directory, directories[i], AT_REMOVEDIR);
    }
    close(fixture->directory);
    rmdir(fixture->path);
    sha256_free(fixture->sha);
    free(fixture);
    return 0;
}

static int store(void *context, unsigned int level, uint64_t index, const struct merkle_tile *tile)
{
    const struct fixture *fixture = context;

    return tile_write(fixture->directory, level, index, tile);
}

static void the_root_is_the_defined_one_at_every_size(void **state)
{
    struct fixture *fixture = *state;
    uint8_t root[SHA256_SIZE];
    uint8_t wanted[SHA256_SIZE];

    for (uint64_t size = 0; size <= 600; size++) {
        uint8_t leaf[SHA256_SIZE];

        assert_int_equal(merkle_root(&fixture->tree, fixture->sha, root), 0);
        if (size < 70 || size % 37 == 0 || size % 256 < 2) {
            defined_root(fixture->sha, 0, size, wanted);
            assert_memory_equal(root, wanted, SHA256_SIZE);
        }
        leaf_of(fixture->sha, size, leaf);
        assert_int_equal(merkle_append(&fixture->tree, leaf, fixture->sha, NULL, NULL), 0);
    }
}

static void every_leaf_is_proved_from_tiles(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t size = 600;
    struct merkle_tree again;
    uint8_t root[SHA256_SIZE];
    uint8_t proof[MERKLE_PROOF_MAX][SHA256_SIZE];

    for (uint64_t i = 0; i < size; i++) {
        uint8_t leaf[SHA256_SIZE];

        leaf_of(fixture->sha, i, leaf);
        assert_int_equal(merkle_append(&fixture->tree, leaf, fixture->sha, store, fixture), 0);
    }
    assert_int_equal(store(fixture, 0, 2, &fixture->tree.level[0]), 0);
    assert_int_equal(store(fixture, 1, 0, &fixture->tree.level[1]), 0);
    assert_int_equal(merkle_root(&fixture->tree, fixture->sha, root), 0);
    assert_int_equal(tile_read_tree(fixture->directory, size, &again), 0);
    for (uint64_t i = 0; i < size; i++) {
        const uint8_t(*hashes)[SHA256_SIZE] = (const uint8_t(*)[SHA256_SIZE])proof;
        uint8_t leaf[SHA256_SIZE];
        int count = tile_inclusion_proof(fixture->directory, fixture->sha, i, size, proof);

        assert_true(count > 0);
        leaf_of(fixture->sha, i, leaf);
        assert_true(
            merkle_proof_holds(fixture->sha, leaf, i, size, hashes, (unsigned int)count, root));
        assert_false(
            merkle_proof_holds(fixture->sha, leaf, i ^ 1, size, hashes, (unsigned int)count, root));
        proof[count - 1][5] ^= 1;
        assert_false(
            merkle_proof_holds(fixture->sha, leaf, i, size, hashes, (unsigned int)count, root));
    }
    assert_int_equal(tile_inclusion_proof(fixture->directory, fixture->sha, size, size, proof),
                     -EINVAL);
}

static void tile_names_are_those_of_the_specification(void **state)
{
    char path[TILE_PATH_MAX];

    (void)state;
    tile_path_format(0, 1234067, 256, path); /* C2SP tlog-tiles, its example */
    assert_string_equal(path, "tile/0/x001/x234/067");
    tile_path_format(1, 5, 17, path);
    assert_string_equal(path, "tile/1/005.p/17");
}

/* Every byte of the note counts, and so does its end. */
static void notes_open_only_under_their_key(void **state)
{
    static const uint8_t seed[ED25519_SEED_SIZE] = {1, 2, 3};
    const struct fixture *fixture = *state;
    struct ed25519_key *secret = ed25519_key_new(seed);
    struct text_buffer note = {0};
    struct text_buffer text = {0};
    struct checkpoint head = {.origin = "log.example/a", .size = 12, .root = {9}};
    struct checkpoint opened;
    uint8_t public_key[ED25519_PUBLIC_SIZE];
    struct note_key key;
    struct note_key other;

    ed25519_key_public(secret, public_key);
    assert_int_equal(note_key_make(head.origin, public_key, fixture->sha, &key), 0);
    note_key_append(&text, &key);
    assert_int_equal(note_key_parse(text_buffer_view(&text), fixture->sha, &other), 0);
    assert_memory_equal(&key, &other, sizeof(key));
    text.bytes[strlen(head.origin) + 1] ^= 1; /* the id no longer belongs to the key */
    assert_int_equal(note_key_parse(text_buffer_view(&text), fixture->sha, &other), -EBADMSG);
    assert_int_equal(checkpoint_sign(&head, &key, secret, &note), 0);
    assert_int_equal(checkpoint_open(text_buffer_view(&note), &key, &opened), 0);
    assert_int_equal(opened.size, 12);
    assert_memory_equal(opened.root, head.root, SHA256_SIZE);
    for (size_t i = 0; i < note.length; i++) {
        note.bytes[i] ^= 1;
        assert_true(checkpoint_open(text_buffer_view(&note), &key, &opened) < 0);
        note.bytes[i] ^= 1;
    }
    for (size_t length = 0; length < note.length; length++) {
        struct str_view cut = {.bytes = note.bytes, .length = length};

        assert_true(checkpoint_open(cut, &key, &opened) < 0);
    }
    text_buffer_clear(&note);
    text_buffer_clear(&text);
    ed25519_key_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_root_is_the_defined_one_at_every_size, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_leaf_is_proved_from_tiles, set_up, tear_down),
        cmocka_unit_test(tile_names_are_those_of_the_specification),
        cmocka_unit_test_setup_teardown(notes_open_only_under_their_key, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
