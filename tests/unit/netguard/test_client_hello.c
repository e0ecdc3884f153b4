#include "tests/support/unit.h"

#include <string.h>

#include "netguard/flow/client_hello.h"

struct hello {
    uint8_t body[8192]; /* handshake header and body */
    size_t length;
};

static void put(struct hello *hello, const void *bytes, size_t count)
{
    memcpy(hello->body + hello->length, bytes, count);
    hello->length += count;
}

static void put_number(struct hello *hello, size_t value, size_t bytes)
{
    while (bytes-- > 0) {
        uint8_t byte = (uint8_t)(value >> (8 * bytes));

        put(hello, &byte, 1);
    }
}

/* `extensions` as they stand on the wire. */
static struct hello hello_with(const void *extensions, size_t length)
{
    static const uint8_t zeros[32];
    struct hello hello = {.length = 0};

    put_number(&hello, 1, 1);
    put_number(&hello, 2 + 32 + 1 + 2 + 2 + 2 + 2 + length, 3);
    put_number(&hello, 0x0303, 2);
    put(&hello, zeros, 32);
    put_number(&hello, 0, 1);
    put_number(&hello, 2, 2);
    put_number(&hello, 0x1301, 2);
    put_number(&hello, 0x0100, 2); /* one compression method: none */
    put_number(&hello, length, 2);
    put(&hello, extensions, length);
    return hello;
}

#define SERVER_NAME                                                                                \
    "\0\0\0\x10\0\x0e\0\0\x0b"                                                                     \
    "Example.org"

/* In records of at most `record` bytes. */
static size_t to_wire(const struct hello *hello, size_t record, uint8_t *wire)
{
    size_t length = 0;

    for (size_t from = 0; from < hello->length; from += record) {
        size_t count = hello->length - from < record ? hello->length - from : record;
        uint8_t header[5] = {22, 3, 1, (uint8_t)(count >> 8), (uint8_t)count};

        memcpy(wire + length, header, 5);
        memcpy(wire + length + 5, hello->body + from, count);
        length += 5 + count;
    }
    return length;
}

static enum hello_state read_hello(const struct hello *hello, struct client_hello *found)
{
    uint8_t wire[20000];

    return client_hello_read(wire, to_wire(hello, 4000, wire), found);
}

static void the_name_is_found(void **state)
{
    struct hello hello = hello_with(SERVER_NAME, sizeof(SERVER_NAME) - 1);
    static const size_t records[] = {1, 3, 4, 5, 20, 4000};

    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct client_hello found;
        uint8_t wire[20000];
        size_t length = to_wire(&hello, records[i], wire);

        for (size_t cut = 0; cut < length; cut++) {
            assert_int_equal(client_hello_read(wire, cut, &found), HELLO_MORE);
        }
        assert_int_equal(client_hello_read(wire, length, &found), HELLO_WHOLE);
        assert_string_equal(found.server_name, "example.org");
        assert_int_equal(found.wire_bytes, length);
        assert_false(found.encrypted);
    }
}

static void no_name_and_a_hidden_one(void **state)
{
    struct hello none = hello_with("", 0);
    struct hello hidden = hello_with("\xfe\x0d\0\1x" SERVER_NAME, sizeof(SERVER_NAME) - 1 + 5);
    struct client_hello found;

    (void)state;
    assert_int_equal(read_hello(&none, &found), HELLO_WHOLE);
    assert_int_equal(found.server_name_length, 0);
    assert_int_equal(read_hello(&hidden, &found), HELLO_WHOLE);
    assert_true(found.encrypted);
}

/* What was sent before extensions were invented. */
static void a_hello_without_extensions(void **state)
{
    struct hello hello = hello_with("", 0);
    struct client_hello found;

    (void)state;
    hello.length -= 2; /* the length of the extensions */
    hello.body[3] = (uint8_t)(hello.body[3] - 2);
    assert_int_equal(read_hello(&hello, &found), HELLO_WHOLE);
    assert_int_equal(found.server_name_length, 0);
}

static void doubtful_bodies_are_bad(void **state)
{
    struct hello hello = hello_with(SERVER_NAME, sizeof(SERVER_NAME) - 1), changed = hello;
    struct client_hello found;

    (void)state;
    changed.body[4] = 2; /* the version */
    assert_int_equal(read_hello(&changed, &found), HELLO_BAD);
    changed = hello;
    changed.body[4 + 2 + 32] = 1; /* an odd number of bytes of suites follows */
    assert_int_equal(read_hello(&changed, &found), HELLO_BAD);
    changed = hello;
    changed.body[4 + 2 + 32] = 255; /* a session id beyond the end */
    assert_int_equal(read_hello(&changed, &found), HELLO_BAD);
}

#define BAD(text)                                                                                  \
    do {                                                                                           \
        struct hello bad = hello_with(text, sizeof(text) - 1);                                     \
        assert_int_equal(read_hello(&bad, &found), HELLO_BAD);                                     \
    } while (0)

static void doubtful_names_are_bad(void **state)
{
    struct client_hello found;

    (void)state;
    BAD(SERVER_NAME SERVER_NAME); /* twice */
    BAD("\0\0\0\x0c\0\x0a\0\0\1a\0\0\1b"
        "\0\0");                         /* two names */
    BAD("\0\0\0\5\0\3\0\0\0");           /* empty */
    BAD("\0\0\0\6\0\4\1\0\1a");          /* another kind of name */
    BAD("\0\0\0\x0a\0\x08\0\0\5a\0b.c"); /* NUL inside */
    BAD("\0\0\0\x0a\0\x08\0\0\5.a.bc");  /* empty label */
    BAD("\0\0\0\x07\0\x04\0\0\1a!");     /* bytes behind the list */
    BAD("\0\0\0\x09\0\x07\0\0\4[::]");   /* an address */
    BAD("\0\0\0\x10\0\x0e\0\0\x0b"
        "Example");     /* too short */
    BAD("\0\x0a\0\5x"); /* an extension that does not fit */
}

static void other_bytes_are_bad(void **state)
{
    struct hello hello = hello_with(SERVER_NAME, sizeof(SERVER_NAME) - 1);
    struct client_hello found;
    uint8_t wire[20000];
    size_t length;

    (void)state;
    assert_int_equal(client_hello_read((const uint8_t *)"GET / HTTP", 10, &found), HELLO_BAD);
    assert_int_equal(client_hello_read((const uint8_t *)"\x16\2\0\0\5", 5, &found), HELLO_BAD);
    assert_int_equal(client_hello_read((const uint8_t *)"\x16\3\1\0\0", 5, &found), HELLO_BAD);
    assert_int_equal(client_hello_read((const uint8_t *)"\x80\x2e\1\3\1", 5, &found), HELLO_BAD);
    length = to_wire(&hello, 4000, wire);
    wire[5] = 2; /* another handshake message */
    assert_int_equal(client_hello_read(wire, length, &found), HELLO_BAD);
    /* A second message in the hello's last record. */
    put(&hello, "\1\0\0\0", 4);
    length = to_wire(&hello, 4000, wire);
    assert_int_equal(client_hello_read(wire, length, &found), HELLO_BAD);
    assert_int_equal(client_hello_read(wire, length - 4, &found), HELLO_BAD);
    /* Longer than anybody's. */
    hello = hello_with(SERVER_NAME, sizeof(SERVER_NAME) - 1);
    hello.body[1] = 1;
    length = to_wire(&hello, 4000, wire);
    assert_int_equal(client_hello_read(wire, length, &found), HELLO_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_found),          cmocka_unit_test(no_name_and_a_hidden_one),
        cmocka_unit_test(a_hello_without_extensions), cmocka_unit_test(doubtful_bodies_are_bad),
        cmocka_unit_test(doubtful_names_are_bad),     cmocka_unit_test(other_bytes_are_bad),
    };

    return cmocka_run_group_tests_name("client_hello", tests, NULL, NULL);
}
