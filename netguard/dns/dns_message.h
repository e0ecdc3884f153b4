/*
 * DNS messages (RFC 1035, RFC 6891): the questions of the agent, our questions to a resolver and
 * its answers, our answers to the agent.
 *
 * Everything that arrives goes through a bounds-checked reader; a message with one byte too few or
 * too many is refused whole. Of an answer only the chain that begins at the question counts: what
 * else stands in it, in whichever section, is never looked at (SECURITY-RULES SR25).
 *
 * Errors: -EBADMSG for a message that cannot be used.
 */
#ifndef FAILCORE_NETGUARD_DNS_DNS_MESSAGE_H
#define FAILCORE_NETGUARD_DNS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netguard/dns/dns_name.h"
#include "shared/base/ip_address.h"

#define DNS_MESSAGE_MAX   16384U /* what we read; a well-meant answer is far smaller */
#define DNS_UDP_SIZE      1232U  /* what we say in EDNS; fits any path's MTU */
#define DNS_REPLY_MAX     1232U
#define DNS_ADDRESSES_MAX 32U
#define DNS_CHAIN_MAX     16U
#define DNS_EDE_TEXT_MAX  160U

#define DNS_TYPE_TABLE(ROW)                                                                        \
    ROW(A, 1)                                                                                      \
    ROW(NS, 2)                                                                                     \
    ROW(CNAME, 5)                                                                                  \
    ROW(SOA, 6)                                                                                    \
    ROW(NULL_RECORD, 10)                                                                           \
    ROW(PTR, 12)                                                                                   \
    ROW(MX, 15)                                                                                    \
    ROW(TXT, 16)                                                                                   \
    ROW(AAAA, 28)                                                                                  \
    ROW(SRV, 33)                                                                                   \
    ROW(DNAME, 39)                                                                                 \
    ROW(OPT, 41)                                                                                   \
    ROW(SVCB, 64)                                                                                  \
    ROW(HTTPS, 65)                                                                                 \
    ROW(AXFR, 252)                                                                                 \
    ROW(ANY, 255)

enum dns_type {
#define DNS_TYPE_ENUM(name, number) DNS_TYPE_##name = (number),
    DNS_TYPE_TABLE(DNS_TYPE_ENUM)
#undef DNS_TYPE_ENUM
};

/* "AAAA"; "other" for types without a row. */
const char *dns_type_word(uint16_t type);

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
};

/* Extended DNS Errors (RFC 8914 section 4). */
enum dns_ede {
    DNS_EDE_NONE = -1,
    DNS_EDE_OTHER = 0,
    DNS_EDE_BLOCKED = 15,
    DNS_EDE_PROHIBITED = 18,
    DNS_EDE_NETWORK_ERROR = 23,
};

struct dns_query {
    uint16_t id;
    struct dns_name name; /* as it was spelt */
    uint16_t type;
    bool recursion_desired;
    bool edns;
    uint16_t udp_size; /* 512 without EDNS */
};

/* One question, class IN, nothing else but an OPT record. */
int dns_query_parse(const uint8_t *bytes, size_t length, struct dns_query *ret_query);

/* Our own question. Returns its length, at most DNS_HEADER_BYTES + 255 + 4 + 11. */
size_t dns_query_build(uint16_t id, const struct dns_name *name, uint16_t type,
                       uint8_t buffer[static 512]);

struct dns_answer {
    uint8_t rcode;
    bool truncated; /* nothing else of it is to be used */
    struct ip_address addresses[DNS_ADDRESSES_MAX];
    size_t count;
    bool more;    /* there were more than fit */
    uint32_t ttl; /* the smallest on the chain; 0 without addresses */
    size_t chain; /* CNAMEs followed */
};

/*
 * The answer to our question `id`, `name` (spelling included, which is random), `type` A or AAAA.
 * -ENOMSG: well-formed as far as its header and question go, but not an answer to this question.
 */
int dns_answer_parse(const uint8_t *bytes, size_t length, uint16_t id, const struct dns_name *name,
                     uint16_t type, struct dns_answer *ret_answer);

struct dns_reply {
    enum dns_rcode rcode;
    const struct ip_address *addresses;
    size_t count;
    uint32_t ttl;
    enum dns_ede ede; /* sent when the question had EDNS */
    const char *ede_text;
};

/* Our answer to the agent; returns its length. */
size_t dns_reply_build(const struct dns_query *query, const struct dns_reply *reply,
                       uint8_t buffer[static DNS_REPLY_MAX]);
/* FORMERR for a message that was no usable question; 0 when not even its id can be told, or it is
 * itself an answer. */
size_t dns_reply_build_malformed(const uint8_t *bytes, size_t length,
                                 uint8_t buffer[static DNS_HEADER_BYTES]);

#endif
