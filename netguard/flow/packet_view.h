/*
 * An IPv4 or IPv6 packet with its TCP or UDP header, read without trusting a byte of it.
 *
 * The kernel has put fragments together before, and has dropped IPv4 options and IPv6 extension
 * headers; whatever else is odd is refused here again. Views point into the packet.
 */
#ifndef FAILCORE_NETGUARD_FLOW_PACKET_VIEW_H
#define FAILCORE_NETGUARD_FLOW_PACKET_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/ip_address.h"
#include "shared/policy/policy.h"

#define PACKET_FIN 0x01U
#define PACKET_SYN 0x02U
#define PACKET_RST 0x04U
#define PACKET_PSH 0x08U
#define PACKET_ACK 0x10U
#define PACKET_URG 0x20U

struct packet_view {
    struct ip_address source, destination;
    enum net_protocol protocol; /* NET_OTHER: the fields below are zero */
    uint8_t protocol_number;
    uint16_t source_port, destination_port;
    uint32_t sequence, acknowledged; /* TCP */
    uint8_t tcp_flags;
    bool odd_tcp_option; /* other than end, padding, MSS, window scale, SACK and timestamps */
    const uint8_t *payload;
    size_t payload_length;
};

/* 0; -EBADMSG: not one whole packet of this kind, or its lengths disagree. */
int packet_view_parse(const uint8_t *bytes, size_t length, struct packet_view *ret_view);

/* "tcp", "udp" or "other". */
const char *packet_protocol_word(enum net_protocol protocol);

#endif
