#include "tests/support/unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/checkpoint.h"
#include "shared/audit/run_index_store.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"
#include "shared/crypto/hmac_sha256.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct place {
    char directory[64];
    char segment[128];
    char store[96];
    char vkey[96];
    char state[96];
    char keys[128];
    char key[192];
};

static void write_text(const char *path, const char *bytes, size_t length)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write_all(fd, bytes, length), 0);
}

/* The log's name says which key its index has; one of 32 bytes is there. */
static void name_log(const struct place *place)
{
    AUTO(text_buffer_clear) struct text_buffer vkey = {0};
    const uint8_t public_key[ED25519_PUBLIC_SIZE] = {1};
    struct sha256 *sha = sha256_new();
    struct note_key key;

    assert_int_equal(note_key_make("failcore.local/audit/0123", public_key, sha, &key), 0);
    note_key_append(&vkey, &key);
    write_text(place->vkey, text_buffer_text(&vkey), vkey.length);
    sha256_free(sha);
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    char log[80];

    snprintf(place->directory, sizeof(place->directory), "/tmp/failcore-runs.XXXXXX");
    if (mkdtemp(place->directory) == NULL) {
        return -1;
    }
    snprintf(log, sizeof(log), "%s/log", place->directory);
    snprintf(place->segment, sizeof(place->segment), "%s/00000000000000000000.jsonl", log);
    snprintf(place->store, sizeof(place->store), "%s/runs", place->directory);
    snprintf(place->vkey, sizeof(place->vkey), "%s/vkey", place->directory);
    snprintf(place->state, sizeof(place->state), "%s.state", place->directory);
    snprintf(place->keys, sizeof(place->keys), "%s/keys", place->state);
    snprintf(place->key, sizeof(place->key), "%s/0123.runs", place->keys);
    setenv("FAILCORE_STATE", place->state, 1);
    name_log(place);
    *state = place;
    return mkdir(log, 0700);
}

static int drop_place(void **state)
{
    struct place *place = *state;
    char log[80];

    unlink(place->segment);
    unlink(place->store);
    unlink(place->vkey);
    unlink(place->key);
    rmdir(place->keys);
    rmdir(place->state);
    snprintf(log, sizeof(log), "%s/log", place->directory);
    rmdir(log);
    assert_int_equal(rmdir(place->directory), 0); /* nothing half-written is left */
    free(place);
    return 0;
}

/* A record whose "hash" is its seq and `salt`: the index compares it and nothing more. */
static void append_record(struct text_buffer *text, uint64_t seq, const char *run, const char *kind,
                          const char *members, unsigned int salt)
{
    text_buffer_printf(
        text,
        "{\"v\":1,\"seq\":%" PRIu64 ",\"id\":\"x\",\"timestamp\":"
        "\"2026-11-20T10:30:%02u.000000000Z\",\"mono\":\"1\",\"run\":\"%s\","
        "\"source\":\"run\",\"producer\":0,\"pseq\":%" PRIu64
        ",\"kind\":\"%s\",\"call\":{\"tool\":\"\",\"op\":\"x\"%s,"
        "\"args_hash\":\"\",\"result_hash\":\"\"},\"policy\":{\"name\":\"p q\","
        "\"version\":\"\",\"decision\":\"blocked\",\"hash\":\"\",\"rule\":\"\"},"
        "\"status\":\"BLOCKED\",\"phase\":\"policy\",\"redaction\":{\"input_redactions\":"
        "0,\"output_redactions\":0},\"timing\":{\"enforcement_overhead_ms\":0.000,"
        "\"call_duration_ms\":0.000},\"merkle\":{\"tree_size\":0,\"tree_root\":"
        "\"\",\"previous_hash\":\"" ZEROS "\",\"entry_hash\":\"%08x%056" PRIx64 "\"}}\n",
        seq, (unsigned int)(seq % 60), run, seq, kind, members, salt, seq);
}

static void write_log(const struct place *place, uint64_t from, uint64_t to, unsigned int salt,
                      int flags)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    AUTO_CLOSE int fd = open(place->segment, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

    for (uint64_t seq = from; seq < to; seq++) {
        const char *run = seq % 2 == 0 ? "20261120-103000-even" : "20261120-103000-odd";

        if (seq == 0) {
            append_record(&text, seq, run, "START",
                          ",\"launcher_uid\":1234,\"host\":\"h \xc3\xa9\"", salt);
        } else if (seq == 8) {
            append_record(&text, seq, run, "END", ",\"exit\":77,\"cause\":\"exited\"", salt);
        } else {
            append_record(&text, seq, run, "DECISION", "", salt);
        }
    }
    assert_int_equal(write_all(fd, text_buffer_text(&text), text.length), 0);
}

/* Loads, compares with the log alone and returns how much came from the store. */
static uint64_t load(const struct place *place, bool store)
{
    AUTO(run_index_clear) struct run_index index = {0};
    AUTO(run_index_clear) struct run_index plain = {0};
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    AUTO(log_lines_release) struct log_lines *again = NULL;
    struct failure failure = {0};
    uint64_t stored = 99;

    assert_int_equal(log_lines_open(place->directory, &lines, &failure), 0);
    assert_int_equal(log_lines_open(place->directory, &again, &failure), 0);
    assert_int_equal(run_index_load(&index, place->directory, lines, &stored, &failure), 0);
    assert_int_equal(run_index_read(&plain, again, &failure), 0);
    assert_int_equal(index.count, plain.count);
    assert_int_equal(index.next_seq, plain.next_seq);
    assert_int_equal(index.unreadable, plain.unreadable);
    for (size_t i = 0; i < plain.count; i++) {
        assert_memory_equal(&index.runs[i], &plain.runs[i], sizeof(plain.runs[i]));
        assert_ptr_equal(run_index_find(&index, plain.runs[i].id), &index.runs[i]);
    }
    if (store) {
        assert_true(run_index_store(&index, place->directory, lines));
    }
    return stored;
}

static void what_is_stored_is_what_the_log_says(void **state)
{
    const struct place *place = *state;
    AUTO(run_index_clear) struct run_index index = {0};
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    struct failure failure = {0};
    uint64_t stored;

    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, true), 0);
    assert_int_equal(load(place, false), 10);
    write_log(place, 10, 25, 1, O_APPEND);
    assert_int_equal(load(place, false), 10);
    assert_int_equal(load(place, true), 10);
    assert_int_equal(load(place, false), 25);

    assert_int_equal(log_lines_open(place->directory, &lines, &failure), 0);
    assert_int_equal(run_index_load(&index, place->directory, lines, &stored, &failure), 0);
    assert_int_equal(index.runs[0].launcher_uid, 1234);
    assert_string_equal(index.runs[0].host, "h \xc3\xa9");
    assert_int_equal(index.runs[0].exit_code, 77);
    assert_string_equal(index.runs[0].cause, "exited");
    assert_string_equal(index.runs[0].policy_name, "p q");
    assert_true(index.runs[1].exit_code == UINT64_MAX);
}

static void another_log_has_another_index(void **state)
{
    const struct place *place = *state;

    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, true), 0);
    write_log(place, 0, 10, 2, O_TRUNC); /* another history of the same length */
    assert_int_equal(load(place, false), 0);
    write_log(place, 0, 9, 1, O_TRUNC); /* rolled back */
    assert_int_equal(load(place, false), 0);
    write_log(place, 4, 10, 1, O_TRUNC); /* its beginning is pruned */
    assert_int_equal(load(place, false), 0);
    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, false), 10);
}

/* Each byte of it changed, and each length it can be cut to. */
static void a_damaged_store_is_passed_over(void **state)
{
    const struct place *place = *state;
    char bytes[4096];
    AUTO_CLOSE int fd = -1;
    ssize_t length;

    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, true), 0);
    fd = open(place->store, O_RDWR | O_CLOEXEC);
    length = read_upto(fd, bytes, sizeof(bytes));
    assert_in_range(length, 100, sizeof(bytes) - 1);
    for (ssize_t i = 0; i < length; i++) {
        char other = (char)(bytes[i] ^ 1);

        assert_int_equal(pwrite(fd, &other, 1, i), 1);
        assert_int_equal(load(place, false), 0);
        assert_int_equal(pwrite(fd, &bytes[i], 1, i), 1);
    }
    assert_int_equal(load(place, false), 10);
    for (ssize_t i = length - 1; i >= 0; i--) {
        assert_int_equal(ftruncate(fd, i), 0);
        assert_int_equal(load(place, false), 0);
    }
}

static void a_link_in_its_place_is_not_followed(void **state)
{
    const struct place *place = *state;
    char elsewhere[112];

    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, true), 0);
    snprintf(elsewhere, sizeof(elsewhere), "%s.moved", place->store);
    assert_int_equal(rename(place->store, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, place->store), 0);
    assert_int_equal(load(place, false), 0);
    assert_int_equal(load(place, true), 0); /* takes the place of the link */
    assert_int_equal(load(place, false), 10);
    assert_int_equal(unlink(elsewhere), 0);
}

/* Says of the first run that nothing was refused, and makes the code anew with `key`. */
static void forge(const struct place *place, const uint8_t key[static HMAC_SHA256_KEY_SIZE])
{
    AUTO_CLOSE int fd = open(place->store, O_RDWR | O_CLOEXEC);
    char bytes[4096];
    uint8_t code[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    ssize_t length = read_upto(fd, bytes, sizeof(bytes));
    size_t body = (size_t)length - SHA256_HEX_SIZE;
    char *run = (char *)memchr(bytes, '\n', body) + 1;

    for (int word = 0; word < 9; word++) { /* id, first, last, start, end, uid, exit, records, … */
        run = strchr(run, ' ') + 1;
    }
    assert_true(run[0] >= '1' && run[0] <= '9' && run[1] == ' '); /* blocked */
    run[0] = '0';
    assert_int_equal(hmac_sha256(key, bytes, body, code), 0);
    hex_encode(code, sizeof(code), hex);
    memcpy(bytes + body, hex, SHA256_HEX_SIZE - 1);
    assert_int_equal(pwrite(fd, bytes, (size_t)length, 0), length);
}

/* What a hostile hand that reaches the audit directory, but not the keys, can leave there. */
static void a_forged_index_changes_no_answer(void **state)
{
    const struct place *place = *state;
    const uint8_t guessed[HMAC_SHA256_KEY_SIZE] = {0};
    uint8_t key[HMAC_SHA256_KEY_SIZE];
    AUTO_CLOSE int fd = -1;

    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, true), 0);
    forge(place, guessed);
    assert_int_equal(load(place, false), 0);

    /* With the key the same forgery is believed: it is the key that holds it off. */
    assert_int_equal(load(place, true), 0);
    fd = open(place->key, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read_upto(fd, key, sizeof(key)), sizeof(key));
    forge(place, key);
    {
        AUTO(run_index_clear) struct run_index index = {0};
        AUTO(log_lines_release) struct log_lines *lines = NULL;
        struct failure failure = {0};
        uint64_t stored;

        assert_int_equal(log_lines_open(place->directory, &lines, &failure), 0);
        assert_int_equal(run_index_load(&index, place->directory, lines, &stored, &failure), 0);
        assert_int_equal(stored, 10);
        assert_int_equal(index.runs[0].counts.blocked, 0);
    }
}

static void a_key_that_others_could_write_is_none(void **state)
{
    const struct place *place = *state;

    write_log(place, 0, 10, 1, O_TRUNC);
    assert_int_equal(load(place, true), 0);
    assert_int_equal(load(place, false), 10);
    assert_int_equal(chmod(place->key, 0620), 0);
    assert_int_equal(load(place, false), 0);
    assert_int_equal(chmod(place->key, 0600), 0);
    assert_int_equal(load(place, false), 10);
    write_text(place->key, "short", 5);
    assert_int_equal(load(place, false), 0);
    assert_int_equal(unlink(place->key), 0);
    assert_int_equal(load(place, false), 0);
    assert_int_equal(load(place, true), 0); /* another key */
    assert_int_equal(load(place, false), 10);
    assert_int_equal(unlink(place->vkey), 0); /* a log without a name has no key */
    assert_int_equal(load(place, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_stored_is_what_the_log_says, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(another_log_has_another_index, make_place, drop_place),
        cmocka_unit_test_setup_teardown(a_damaged_store_is_passed_over, make_place, drop_place),
        cmocka_unit_test_setup_teardown(a_forged_index_changes_no_answer, make_place, drop_place),
        cmocka_unit_test_setup_teardown(a_key_that_others_could_write_is_none, make_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(a_link_in_its_place_is_not_followed, make_place,
                                        drop_place),
    };

    return cmocka_run_group_tests_name("run_index_store", tests, NULL, NULL);
}
