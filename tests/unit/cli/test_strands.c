#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/normalize/strands.h"
#include "shared/base/cleanup.h"
#include "tests/unit/cli/sample_record.h"

static void release(char **text)
{
    free(*text);
}

/* The text of the records, read in the order of `samples`. */
static char *normalized(const struct audit_record *records, size_t count)
{
    AUTO(outcomes_clear) struct outcomes outcomes = {0};
    AUTO(strands_clear) struct strands strands = {0};
    AUTO(text_buffer_clear) struct text_buffer text = {0};

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(outcomes_add(&outcomes, &records[i]), 0);
    }
    outcomes_settle(&outcomes);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strands_add(&strands, &records[i], &outcomes), 0);
    }
    assert_int_equal(strands_append(&strands, &text), 0);
    return text_buffer_take(&text);
}

#define EXEC(path)   "\"op\":\"exec\",\"path\":\"" path "\",\"argv_hash\":\"ab\",\"argc\":2"
#define FS(op, path) "\"op\":\"" op "\",\"path\":\"" path "\""

/* A shell that starts two programs; `first` pid, and the programs one after the other or mixed. */
static size_t tell(struct samples *samples, struct audit_record *records, uint64_t first,
                   bool mixed)
{
    size_t n = 0;
    uint64_t a = first + 1;
    uint64_t b = first + 2;
    uint64_t seq = samples->next_seq;
    uint64_t made;

#define ADD(...) records[n++] = sample_record(samples, (struct sample){__VA_ARGS__})
    ADD(.source = "exec", .pid = a, .exe = "/bin/dash", .call = EXEC("/bin/mk"),
        .status = "ALLOWED", .mono = seq + 1);
    if (mixed) { /* written late, and done before */
        ADD(.pid = b, .exe = "/bin/dash", .call = FS("write", "out"), .status = "ALLOWED",
            .mono = seq + 40);
    }
    /* Its program is not known yet: the exec before it says it. */
    ADD(.pid = a, .exe = mixed ? "/bin/dash" : "/bin/mk", .call = FS("create", "d"),
        .status = "ALLOWED", .mono = seq + 2);
    made = records[n - 1].seq;
    ADD(.kind = "RESULT", .pid = a, .call = FS("create", "d"), .status = "OK", .of = made,
        .mono = seq + 3);
    if (!mixed) {
        ADD(.pid = b, .exe = "/bin/dash", .call = FS("write", "out"), .status = "ALLOWED",
            .mono = seq + 40);
    }
    ADD(.source = "exec", .pid = b, .exe = "/bin/dash", .call = EXEC("/bin/ls"),
        .status = "ALLOWED", .mono = seq + 41);
    for (int i = 0; i < (mixed ? 1 : 3); i++) { /* as often as no cache answered */
        ADD(.pid = b, .exe = "/bin/ls", .call = FS("list", "d"), .status = "ALLOWED",
            .mono = seq + 42 + (uint64_t)i);
    }
    ADD(.pid = b, .exe = "/bin/ls", .call = FS("lookup", ".env"), .status = "BLOCKED",
        .decision = "blocked", .rule = "secrets", .code = "PATH_DENIED", .error = "EACCES",
        .mono = seq + 50);
#undef ADD
    return n;
}

static void the_same_done_twice_is_the_same_text(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    struct audit_record records[32];
    AUTO(release) char *first = normalized(records, tell(&samples, records, 100, false));
    AUTO(release) char *second = normalized(records, tell(&samples, records, 9000, true));

    (void)state;
    assert_string_equal(first, second);
    assert_string_equal(
        first,
        "{\"step\":1,\"program\":\"/bin/dash\",\"source\":\"exec\",\"op\":\"exec\","
        "\"path\":\"/bin/mk\",\"argc\":2,\"argv_hash\":\"ab\",\"decision\":\"allowed\","
        "\"status\":\"ALLOWED\"}\n"
        "{\"step\":2,\"program\":\"/bin/mk\",\"source\":\"fs\",\"op\":\"create\",\"path\":\"d\","
        "\"decision\":\"allowed\",\"status\":\"OK\"}\n"
        "{\"step\":1,\"program\":\"/bin/dash\",\"source\":\"fs\",\"op\":\"write\","
        "\"path\":\"out\",\"decision\":\"allowed\",\"status\":\"ALLOWED\"}\n"
        "{\"step\":2,\"program\":\"/bin/dash\",\"source\":\"exec\",\"op\":\"exec\","
        "\"path\":\"/bin/ls\",\"argc\":2,\"argv_hash\":\"ab\",\"decision\":\"allowed\","
        "\"status\":\"ALLOWED\"}\n"
        "{\"step\":3,\"program\":\"/bin/ls\",\"source\":\"fs\",\"op\":\"list\",\"path\":\"d\","
        "\"decision\":\"allowed\",\"status\":\"ALLOWED\"}\n"
        "{\"step\":4,\"program\":\"/bin/ls\",\"source\":\"fs\",\"op\":\"lookup\","
        "\"path\":\".env\",\"decision\":\"blocked\",\"rule\":\"secrets\",\"status\":\"BLOCKED\","
        "\"code\":\"PATH_DENIED\",\"errno\":\"EACCES\"}\n");
}

static void what_is_changed_twice_is_there_twice(void **state)
{
    AUTO(samples_clear) struct samples samples = {0};
    struct audit_record records[2];
    AUTO(release) char *text = NULL;

    (void)state;
    records[0] =
        sample_record(&samples, (struct sample){.call = FS("write", "a"), .status = "ALLOWED"});
    records[1] =
        sample_record(&samples, (struct sample){.call = FS("write", "a"), .status = "ALLOWED"});
    text = normalized(records, 2);
    assert_non_null(strstr(text, "{\"step\":2,"));
}

static void nothing_is_nothing(void **state)
{
    AUTO(release) char *text = normalized(NULL, 0);

    (void)state;
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_done_twice_is_the_same_text),
        cmocka_unit_test(what_is_changed_twice_is_there_twice),
        cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests_name("strands", tests, NULL, NULL);
}
