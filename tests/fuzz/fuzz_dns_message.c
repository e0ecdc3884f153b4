/*
 * DNS messages, as questions of the agent and as answers of the world. A question that is taken can
 * be answered, and the answer reads back; every address of an answer stands in its bytes. And
 * libldns reads the same (dns_peer.h).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/dns/dns_message.h"
#include "tests/fuzz/dns_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void try_question(const uint8_t *bytes, size_t length)
{
    static const struct ip_address addresses[2] = {
        {.family = IP_V4, .bytes = {93, 184, 216, 10}},
        {.family = IP_V4, .bytes = {93, 184, 216, 11}},
    };
    struct dns_reply reply = {
        .addresses = addresses, .count = 2, .ttl = 60, .ede = DNS_EDE_BLOCKED, .ede_text = "why"};
    struct dns_answer answer;
    struct dns_query query;
    uint8_t built[DNS_REPLY_MAX], asked[512], refusal[DNS_HEADER_BYTES];
    size_t count;

    if (dns_query_parse(bytes, length, &query) < 0) {
        (void)dns_reply_build_malformed(bytes, length, refusal);
        return;
    }
    dns_peer_agrees_on_question(bytes, length, &query);
    dns_peer_takes(asked, dns_query_build(query.id, &query.name, query.type, asked), 0);
    count = dns_reply_build(&query, &reply, built);
    if (count > DNS_REPLY_MAX || !dns_name_is_sound(&query.name) ||
        dns_answer_parse(built, count, query.id, &query.name, query.type, &answer) < 0 ||
        (query.type == DNS_TYPE_A && answer.count != 2)) {
        abort();
    }
    dns_peer_takes(built, count, reply.count);
}

static void try_answer(const uint8_t *bytes, size_t length, uint16_t type)
{
    struct byte_reader reader = byte_reader_init(bytes, length);
    struct dns_answer answer;
    struct dns_name name;
    uint16_t id = byte_reader_u16(&reader);

    byte_reader_skip(&reader, 10);
    if (dns_name_read(&reader, false, &name) < 0 ||
        dns_answer_parse(bytes, length, id, &name, type, &answer) < 0) {
        return;
    }
    if (answer.count > DNS_ADDRESSES_MAX || (answer.count == 0 && answer.ttl != 0) ||
        answer.chain > DNS_CHAIN_MAX) {
        abort();
    }
    for (size_t i = 0; i < answer.count; i++) {
        size_t wanted = type == DNS_TYPE_A ? 4 : 16;

        if (ip_family_bits(answer.addresses[i].family) != wanted * 8 ||
            memmem(bytes, length, answer.addresses[i].bytes, wanted) == NULL) {
            abort();
        }
    }
    if (!answer.truncated) {
        dns_peer_agrees_on_answer(bytes, length, type, &answer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    try_question(bytes, length);
    try_answer(bytes, length, DNS_TYPE_A);
    try_answer(bytes, length, DNS_TYPE_AAAA);
    return 0;
}
