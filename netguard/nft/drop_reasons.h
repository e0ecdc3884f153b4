/*
 * Every reason for which the kernel drops a packet of the agent by itself. The word is the name of
 * the counter and the prefix of the log message; the text goes into the record.
 */
#ifndef FAILCORE_NETGUARD_NFT_DROP_REASONS_H
#define FAILCORE_NETGUARD_NFT_DROP_REASONS_H

#include <stddef.h>

#include "shared/policy/denial_codes.h"

/* enumerator, word, what the agent hears (nothing, or a refusal), denial code, text */
#define DROP_REASON_TABLE(ROW)                                                                     \
    ROW(FRAME, "frame", SILENT, PROTOCOL_DENIED, "frames other than plain IP and ARP do not pass") \
    ROW(SPOOFED, "spoofed", SILENT, PACKET_MALFORMED, "the source address is not the agent's")     \
    ROW(MULTICAST, "multicast", SILENT, PROTOCOL_DENIED, "multicast and broadcast do not leave")   \
    ROW(INVALID, "invalid", SILENT, PACKET_MALFORMED, "not part of a flow that can be tracked")    \
    ROW(IP_OPTIONS, "ip_options", SILENT, PACKET_MALFORMED, "IPv4 options do not pass")            \
    ROW(EXTENSION, "extension", SILENT, PROTOCOL_DENIED,                                           \
        "IPv6 extension headers and protocols other than tcp and udp do not pass")                 \
    ROW(PROTOCOL, "protocol", SILENT, PROTOCOL_DENIED, "only tcp and udp pass")                    \
    ROW(URGENT, "urgent", SILENT, PACKET_MALFORMED, "TCP urgent data does not pass")               \
    ROW(NOT_SYN, "not_syn", SILENT, PACKET_MALFORMED,                                              \
        "a new TCP flow begins with SYN and nothing else")                                         \
    ROW(TOO_FAST, "too_fast", ANSWERED, BUDGET_EXCEEDED,                                           \
        "more new flows per second than the guard judges")                                         \
    ROW(WITHDRAWN, "withdrawn", ANSWERED, ADDRESS_DENIED,                                          \
        "the address is not open in the kernel's sets")                                            \
    ROW(TO_GUARD, "to_guard", ANSWERED, ADDRESS_DENIED, "the guard itself answers only DNS")       \
    ROW(INBOUND, "inbound", SILENT, ADDRESS_DENIED, "nothing from outside begins a flow")          \
    ROW(UNROUTED, "unrouted", SILENT, ADDRESS_DENIED, "only from the agent to the uplink and back")

enum drop_reason {
#define DROP_REASON_ENUM(name, word, answer, code, text) DROP_##name,
    DROP_REASON_TABLE(DROP_REASON_ENUM)
#undef DROP_REASON_ENUM
        DROP_REASON_COUNT
};

enum drop_answer { DROP_SILENT = 0, DROP_ANSWERED };

struct drop_reason_row {
    const char *word;
    enum drop_answer answer; /* tcp and udp hear a reset or an ICMP error, as from the daemon */
    enum denial_code code;
    const char *text;
};

const struct drop_reason_row *drop_reason_row(enum drop_reason reason);
/* NULL: no such word. */
const struct drop_reason_row *drop_reason_find(const char *word);

#endif
