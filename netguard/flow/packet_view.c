#include "netguard/flow/packet_view.h"

#include <errno.h>
#include <netinet/in.h>

#include "shared/base/byte_reader.h"

#define V4_HEADER_MIN  20U
#define V6_HEADER      40U
#define TCP_HEADER_MIN 20U
#define UDP_HEADER     8U

/* RFC 9293 section 3.1, RFC 7323, RFC 2018. */
static bool tcp_option_is_plain(uint8_t kind)
{
    return kind == 0 || kind == 1 || kind == 2 || kind == 3 || kind == 4 || kind == 5 || kind == 8;
}

/* False when an option does not fit. */
static bool read_tcp_options(struct byte_reader options, bool *ret_odd)
{
    while (byte_reader_left(&options) > 0) {
        uint8_t kind = byte_reader_u8(&options), length;

        if (kind == 0) {
            return true;
        }
        if (!tcp_option_is_plain(kind)) {
            *ret_odd = true;
        }
        if (kind == 1) {
            continue;
        }
        length = byte_reader_u8(&options);
        if (length < 2) {
            return false;
        }
        byte_reader_skip(&options, length - 2U);
        if (!byte_reader_ok(&options)) {
            return false;
        }
    }
    return true;
}

static bool read_tcp(struct byte_reader segment, struct packet_view *view)
{
    struct byte_reader options;
    uint8_t words;

    view->source_port = byte_reader_u16(&segment);
    view->destination_port = byte_reader_u16(&segment);
    view->sequence = byte_reader_u32(&segment);
    view->acknowledged = byte_reader_u32(&segment);
    words = byte_reader_u8(&segment) >> 4;
    view->tcp_flags = byte_reader_u8(&segment);
    byte_reader_skip(&segment, 6); /* window, checksum, urgent pointer */
    if (!byte_reader_ok(&segment) || words * 4U < TCP_HEADER_MIN) {
        return false;
    }
    options = byte_reader_sub(&segment, words * 4U - TCP_HEADER_MIN);
    if (!byte_reader_ok(&options) || !read_tcp_options(options, &view->odd_tcp_option)) {
        return false;
    }
    view->payload_length = byte_reader_left(&segment);
    view->payload = byte_reader_take(&segment, view->payload_length);
    return true;
}

static bool read_udp(struct byte_reader datagram, struct packet_view *view)
{
    uint16_t length;

    view->source_port = byte_reader_u16(&datagram);
    view->destination_port = byte_reader_u16(&datagram);
    length = byte_reader_u16(&datagram);
    byte_reader_skip(&datagram, 2); /* checksum */
    /* The length in the header is the datagram's: bytes behind it belong to nobody (RFC 768). */
    if (!byte_reader_ok(&datagram) || length < UDP_HEADER ||
        length - UDP_HEADER != byte_reader_left(&datagram)) {
        return false;
    }
    view->payload_length = byte_reader_left(&datagram);
    view->payload = byte_reader_take(&datagram, view->payload_length);
    return true;
}

static bool read_transport(struct byte_reader transport, struct packet_view *view)
{
    if (view->protocol_number == IPPROTO_TCP) {
        view->protocol = NET_TCP;
        return read_tcp(transport, view);
    }
    if (view->protocol_number == IPPROTO_UDP) {
        view->protocol = NET_UDP;
        return read_udp(transport, view);
    }
    view->protocol = NET_OTHER;
    return true;
}

static struct ip_address take_address(struct byte_reader *reader, enum ip_family family)
{
    const uint8_t *bytes = byte_reader_take(reader, family == IP_V4 ? 4 : 16);
    struct ip_address none = {.family = IP_NONE};

    if (bytes == NULL) {
        return none;
    }
    return family == IP_V4 ? ip_address_v4(bytes) : ip_address_v6(bytes);
}

static bool read_v4(const uint8_t *bytes, size_t length, struct packet_view *view)
{
    struct byte_reader reader = byte_reader_init(bytes, length);
    unsigned int header = (byte_reader_u8(&reader) & 0x0fU) * 4U;
    uint16_t total, fragment;

    byte_reader_skip(&reader, 1);
    total = byte_reader_u16(&reader);
    byte_reader_skip(&reader, 2);
    fragment = byte_reader_u16(&reader);
    byte_reader_skip(&reader, 1);
    view->protocol_number = byte_reader_u8(&reader);
    byte_reader_skip(&reader, 2);
    view->source = take_address(&reader, IP_V4);
    view->destination = take_address(&reader, IP_V4);
    /* More fragments, or an offset: no transport header of a whole packet. */
    if (!byte_reader_ok(&reader) || header != V4_HEADER_MIN || (fragment & 0x3fffU) != 0) {
        return false;
    }
    /* A packet put together from segments for the trip to us may be longer than the field can
     * say; it says zero then (Linux, BIG TCP). */
    if (total != length && !(total == 0 && length > UINT16_MAX)) {
        return false;
    }
    return read_transport(byte_reader_sub(&reader, length - header), view);
}

static bool read_v6(const uint8_t *bytes, size_t length, struct packet_view *view)
{
    struct byte_reader reader = byte_reader_init(bytes, length);
    uint16_t payload;

    byte_reader_skip(&reader, 4);
    payload = byte_reader_u16(&reader);
    view->protocol_number = byte_reader_u8(&reader);
    byte_reader_skip(&reader, 1);
    view->source = take_address(&reader, IP_V6);
    view->destination = take_address(&reader, IP_V6);
    if (!byte_reader_ok(&reader)) {
        return false;
    }
    if (payload != length - V6_HEADER && !(payload == 0 && length - V6_HEADER > UINT16_MAX)) {
        return false;
    }
    return read_transport(byte_reader_sub(&reader, length - V6_HEADER), view);
}

int packet_view_parse(const uint8_t *bytes, size_t length, struct packet_view *ret_view)
{
    struct packet_view view = {.protocol = NET_OTHER};
    bool good = false;

    if (length > 0 && bytes[0] >> 4 == 4) {
        good = read_v4(bytes, length, &view);
    } else if (length > 0 && bytes[0] >> 4 == 6) {
        good = read_v6(bytes, length, &view);
    }
    if (!good) {
        return -EBADMSG;
    }
    *ret_view = view;
    return 0;
}

const char *packet_protocol_word(enum net_protocol protocol)
{
    switch (protocol) {
    case NET_TCP:
        return "tcp";
    case NET_UDP:
        return "udp";
    case NET_OTHER:
        return "other";
    }
    return "other";
}
