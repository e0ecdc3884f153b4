#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "netguard/flow/packet_view.h"

static const uint8_t syn[] = {
    0x45, 0,  0,    44,   0,    0,    0x40, 0, 64,   6, 0, 0, 10, 77,   0,
    2,    93, 184,  216,  10,   0x9c, 0x40, 1, 0xbb, 0, 0, 0, 5,  0,    0,
    0,    0,  0x60, 0x02, 0xff, 0xff, 0,    0, 0,    0, 2, 4, 5,  0xb4,
};

static const uint8_t datagram6[] = {
    0x60, 0, 0, 0, 0, 12, 17,   64, 0xfd, 0x77, 0, 0xfc, 0,   0,   0,   0,   0, 0,
    0,    0, 0, 0, 0, 2,  0x26, 6,  0,    0,    0, 0,    0,   0,   0,   0,   0, 0,
    0,    0, 0, 1, 0, 7,  0,    53, 0,    12,   0, 0,    'a', 'b', 'c', 'd',
};

static void headers_are_read(void **state)
{
    struct packet_view view;

    (void)state;
    assert_int_equal(packet_view_parse(syn, sizeof(syn), &view), 0);
    assert_int_equal(view.protocol, NET_TCP);
    assert_int_equal(view.destination_port, 443);
    assert_int_equal(view.sequence, 5);
    assert_int_equal(view.tcp_flags, PACKET_SYN);
    assert_false(view.odd_tcp_option);
    assert_int_equal(view.payload_length, 0);
    assert_int_equal(packet_view_parse(datagram6, sizeof(datagram6), &view), 0);
    assert_int_equal(view.protocol, NET_UDP);
    assert_int_equal(view.source.family, IP_V6);
    assert_int_equal(view.destination_port, 53);
    assert_memory_equal(view.payload, "abcd", 4);
}

static void no_short_packet_is_read(void **state)
{
    struct packet_view view;

    (void)state;
    for (size_t i = 0; i < sizeof(syn); i++) {
        assert_int_equal(packet_view_parse(syn, i, &view), -EBADMSG);
    }
    for (size_t i = 0; i < sizeof(datagram6); i++) {
        assert_int_equal(packet_view_parse(datagram6, i, &view), -EBADMSG);
    }
}

static int parse_changed(size_t at, uint8_t value, struct packet_view *view)
{
    uint8_t bytes[sizeof(syn)];

    memcpy(bytes, syn, sizeof(syn));
    bytes[at] = value;
    return packet_view_parse(bytes, sizeof(bytes), view);
}

static void odd_headers_are_refused(void **state)
{
    struct packet_view view;

    (void)state;
    assert_int_equal(parse_changed(0, 0x46, &view), -EBADMSG);  /* IPv4 options */
    assert_int_equal(parse_changed(0, 0x44, &view), -EBADMSG);  /* header too short */
    assert_int_equal(parse_changed(0, 0x55, &view), -EBADMSG);  /* version */
    assert_int_equal(parse_changed(3, 43, &view), -EBADMSG);    /* total length */
    assert_int_equal(parse_changed(6, 0x20, &view), -EBADMSG);  /* more fragments */
    assert_int_equal(parse_changed(7, 1, &view), -EBADMSG);     /* a later fragment */
    assert_int_equal(parse_changed(32, 0x40, &view), -EBADMSG); /* TCP header too short */
    assert_int_equal(parse_changed(32, 0xf0, &view), -EBADMSG); /* and too long */
    assert_int_equal(parse_changed(41, 1, &view), -EBADMSG);    /* an option of length 1 */
    assert_int_equal(parse_changed(41, 9, &view), -EBADMSG);    /* longer than the header */
    assert_int_equal(parse_changed(40, 34, &view), 0);          /* fast open */
    assert_true(view.odd_tcp_option);
    assert_int_equal(parse_changed(9, 47, &view), 0); /* GRE */
    assert_int_equal(view.protocol, NET_OTHER);
}

static void protocols_have_words(void **state)
{
    (void)state;
    assert_string_equal(packet_protocol_word(NET_TCP), "tcp");
    assert_string_equal(packet_protocol_word(NET_UDP), "udp");
    assert_string_equal(packet_protocol_word(NET_OTHER), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(no_short_packet_is_read),
        cmocka_unit_test(odd_headers_are_refused),
        cmocka_unit_test(protocols_have_words),
    };

    return cmocka_run_group_tests_name("packet_view", tests, NULL, NULL);
}
