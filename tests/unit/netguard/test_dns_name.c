#include "tests/support/unit.h"

#include <errno.h>

#include "netguard/dns/dns_name.h"

/* The bytes stand behind a header: offset 0 of them is what a pointer calls 12. */
static int read_at(const uint8_t *bytes, size_t length, size_t offset, struct dns_name *name)
{
    uint8_t message[DNS_HEADER_BYTES + 300] = {0};
    struct byte_reader reader = byte_reader_init(message, DNS_HEADER_BYTES + length);

    memcpy(message + DNS_HEADER_BYTES, bytes, length);
    byte_reader_skip(&reader, DNS_HEADER_BYTES + offset);
    return dns_name_read(&reader, true, name);
}

static void text_and_wire_agree(void **state)
{
    char text[DNS_NAME_TEXT_MAX + 1];
    static const uint8_t wire[] = "\3WWW\7Example\3org";
    struct dns_name name, same;

    (void)state;
    assert_int_equal(read_at(wire, sizeof(wire), 0, &name), 0);
    assert_int_equal(name.length, 17);
    assert_string_equal(dns_name_text(&name, text).bytes, "www.example.org");
    assert_int_equal(read_at(name.wire, name.length, 0, &same), 0);
    assert_true(dns_name_equals(&name, &same));
    assert_true(dns_name_is_sound(&name));
}

static void odd_labels_are_refused(void **state)
{
    static const char *const labels[] = {"\3a b", "\3a\\b", "\5caf\xc3\xa9", "\3a/b", "\1*"};
    struct dns_name name;

    (void)state;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const uint8_t *wire = (const uint8_t *)labels[i];

        assert_int_equal(read_at(wire, strlen(labels[i]) + 1, 0, &name), -EBADMSG);
    }
    /* One label with a dot in it must not pass for two. */
    assert_int_equal(read_at((const uint8_t *)"\3a.b", 5, 0, &name), -EBADMSG);
    assert_int_equal(read_at((const uint8_t *)"\1\0", 3, 0, &name), -EBADMSG);
}

static void pointers_lead_backwards_only(void **state)
{
    static const uint8_t good[] = {1, 'a', 0, 1, 'b', 0xc0, 12};
    static const uint8_t itself[] = {0xc0, 12};
    static const uint8_t forwards[] = {0xc0, 14, 1, 'a', 0};
    static const uint8_t loop[] = {1, 'a', 0xc0, 16, 1, 'b', 0xc0, 12};
    static const uint8_t cut[] = {1, 'a', 0, 0xc0};
    static const uint8_t header[] = {1, 'a', 0, 0xc0, 0};
    char text[DNS_NAME_TEXT_MAX + 1];
    struct byte_reader reader;
    struct dns_name name;

    (void)state;
    assert_int_equal(read_at(good, sizeof(good), 3, &name), 0);
    assert_string_equal(dns_name_text(&name, text).bytes, "b.a");
    assert_int_equal(read_at(itself, sizeof(itself), 0, &name), -EBADMSG);
    assert_int_equal(read_at(forwards, sizeof(forwards), 0, &name), -EBADMSG);
    assert_int_equal(read_at(loop, sizeof(loop), 4, &name), -EBADMSG);
    assert_int_equal(read_at(cut, sizeof(cut), 3, &name), -EBADMSG);
    assert_int_equal(read_at(header, sizeof(header), 3, &name), -EBADMSG);
    reader = byte_reader_init(good, sizeof(good));
    byte_reader_skip(&reader, 3);
    assert_int_equal(dns_name_read(&reader, false, &name), -EBADMSG);
}

static void lengths_are_bounded(void **state)
{
    uint8_t wire[300];
    struct dns_name name;
    size_t length = 0;

    (void)state;
    for (int i = 0; i < 127; i++) {
        wire[length++] = 1;
        wire[length++] = 'a';
    }
    wire[length++] = 0;
    assert_int_equal(length, 255);
    assert_int_equal(read_at(wire, length, 0, &name), 0);
    wire[length - 1] = 1;
    wire[length++] = 'a';
    wire[length++] = 0;
    assert_int_equal(read_at(wire, length, 0, &name), -EBADMSG);
    wire[0] = 64;
    assert_int_equal(read_at(wire, length, 0, &name), -EBADMSG);
}

static void bytes_of_another_process_are_checked(void **state)
{
    struct dns_name lying = {.wire = {200, 'a'}, .length = 10}, none = {.length = 0};

    (void)state;
    assert_false(dns_name_is_sound(&lying));
    assert_true(dns_name_is_sound(&none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_wire_agree),
        cmocka_unit_test(odd_labels_are_refused),
        cmocka_unit_test(pointers_lead_backwards_only),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(bytes_of_another_process_are_checked),
    };

    return cmocka_run_group_tests_name("dns_name", tests, NULL, NULL);
}
