#include "tests/fuzz/dns_peer.h"

#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#define RECORDS_MAX 256U

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint16_t u16_at(const uint8_t *bytes, size_t offset)
{
    return (uint16_t)(bytes[offset] << 8 | bytes[offset + 1]);
}

static ldns_rr *read_question(const uint8_t *bytes, size_t length, size_t *offset)
{
    ldns_rr *question = NULL;

    *offset = DNS_HEADER_BYTES;
    require(length >= DNS_HEADER_BYTES && u16_at(bytes, 4) == 1);
    require(ldns_wire2rr(&question, bytes, length, offset, LDNS_SECTION_QUESTION) ==
            LDNS_STATUS_OK);
    require(ldns_rr_get_class(question) == LDNS_RR_CLASS_IN);
    return question;
}

void dns_peer_agrees_on_question(const uint8_t *bytes, size_t length, const struct dns_query *ours)
{
    size_t offset;
    ldns_rr *question = read_question(bytes, length, &offset);
    const ldns_rdf *name = ldns_rr_owner(question);

    require(ldns_rr_get_type(question) == (ldns_rr_type)ours->type);
    require(ldns_rdf_size(name) == ours->name.length &&
            memcmp(ldns_rdf_data(name), ours->name.wire, ours->name.length) == 0);
    ldns_rr_free(question);
}

/* Behind the record that begins at `offset`; its borders are plain, whatever is in it. */
static size_t step_over(const uint8_t *bytes, size_t length, size_t offset)
{
    while (offset < length && bytes[offset] != 0 && bytes[offset] < 0xc0) {
        offset += 1U + bytes[offset];
    }
    require(offset < length);
    offset += bytes[offset] == 0 ? 1 : 2;
    require(offset + 10 <= length);
    offset += 10U + u16_at(bytes, offset + 8);
    require(offset <= length);
    return offset;
}

/* Those that the peer can read to the end; it does not mind a name with bytes behind it. */
static size_t read_records(const uint8_t *bytes, size_t length, size_t offset, ldns_rr **records)
{
    size_t total = u16_at(bytes, 6), count = 0;

    require(total <= RECORDS_MAX);
    for (size_t i = 0; i < total; i++) {
        size_t next = step_over(bytes, length, offset), end = offset;
        ldns_rr *record = NULL;

        if (ldns_wire2rr(&record, bytes, length, &end, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK) {
            if (end == next) {
                records[count++] = record;
            } else {
                ldns_rr_free(record);
            }
        }
        offset = next;
    }
    return count;
}

static bool is_of(const ldns_rr *record, const ldns_rdf *owner, uint16_t type)
{
    return ldns_rr_get_class(record) == LDNS_RR_CLASS_IN &&
           ldns_rr_get_type(record) == (ldns_rr_type)type && ldns_rr_rd_count(record) == 1 &&
           ldns_dname_compare(ldns_rr_owner(record), owner) == 0;
}

/* Their addresses of `owner` are ours, in the same order. */
static size_t compare_addresses(ldns_rr **records, size_t count, const ldns_rdf *owner,
                                uint16_t type, const struct dns_answer *ours)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        const ldns_rdf *data;

        if (!is_of(records[i], owner, type)) {
            continue;
        }
        data = ldns_rr_rdf(records[i], 0);
        if (found < DNS_ADDRESSES_MAX) {
            require(found < ours->count &&
                    ldns_rdf_size(data) == ip_family_bits(ours->addresses[found].family) / 8 &&
                    memcmp(ldns_rdf_data(data), ours->addresses[found].bytes,
                           ldns_rdf_size(data)) == 0);
        }
        found++;
    }
    require((found < DNS_ADDRESSES_MAX ? found : DNS_ADDRESSES_MAX) == ours->count);
    require((found > DNS_ADDRESSES_MAX) == ours->more);
    return found;
}

static const ldns_rdf *alias_of(ldns_rr **records, size_t count, const ldns_rdf *owner)
{
    for (size_t i = 0; i < count; i++) {
        if (is_of(records[i], owner, LDNS_RR_TYPE_CNAME)) {
            return ldns_rr_rdf(records[i], 0);
        }
    }
    return NULL;
}

void dns_peer_agrees_on_answer(const uint8_t *bytes, size_t length, uint16_t type,
                               const struct dns_answer *ours)
{
    ldns_rr *records[RECORDS_MAX];
    size_t offset, count;
    ldns_rr *question = read_question(bytes, length, &offset);
    const ldns_rdf *owner = ldns_rr_owner(question);

    require((bytes[3] & 0x0f) == ours->rcode);
    count = read_records(bytes, length, offset, records);
    for (size_t i = 0; i < ours->chain; i++) {
        owner = alias_of(records, count, owner);
        require(owner != NULL);
    }
    if (ours->rcode == DNS_NOERROR) {
        require(compare_addresses(records, count, owner, type, ours) > 0 ||
                alias_of(records, count, owner) == NULL);
    } else {
        require(ours->count == 0);
    }
    for (size_t i = 0; i < count; i++) {
        ldns_rr_free(records[i]);
    }
    ldns_rr_free(question);
}

void dns_peer_takes(const uint8_t *bytes, size_t length, size_t answers)
{
    ldns_pkt *packet = NULL;

    require(ldns_wire2pkt(&packet, bytes, length) == LDNS_STATUS_OK);
    require(ldns_pkt_qdcount(packet) == 1 && ldns_pkt_ancount(packet) == answers);
    ldns_pkt_free(packet);
}
