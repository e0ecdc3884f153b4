#include "netguard/dns/dns_message.h"

#include <errno.h>
#include <string.h>

#define FLAG_ANSWER      0x8000U
#define FLAGS_OPCODE     0x7800U
#define FLAG_TRUNCATED   0x0200U
#define FLAG_RD          0x0100U
#define FLAG_RA          0x0080U
#define CLASS_IN         1U
#define RECORDS_MAX      256U
#define UDP_SIZE_MIN     512U
#define OPTION_EDE       15U
#define RECORD_FIXED     10U     /* type, class, TTL, length */
#define COMPRESSED_OWNER 0xc00cU /* the name of the question, right behind the header */

const char *dns_type_word(uint16_t type)
{
    switch (type) {
#define DNS_TYPE_CASE(name, number)                                                                \
    case (number):                                                                                 \
        return #name;
        DNS_TYPE_TABLE(DNS_TYPE_CASE)
#undef DNS_TYPE_CASE
    default: /* no enum: any 16 bits may come */
        return "other";
    }
}

struct dns_header {
    uint16_t id, flags, questions, answers, authorities, additionals;
};

static struct dns_header read_header(struct byte_reader *reader)
{
    struct dns_header header;

    header.id = byte_reader_u16(reader);
    header.flags = byte_reader_u16(reader);
    header.questions = byte_reader_u16(reader);
    header.answers = byte_reader_u16(reader);
    header.authorities = byte_reader_u16(reader);
    header.additionals = byte_reader_u16(reader);
    return header;
}

/* The OPT record of a question: root owner, our size of datagrams in the class. */
static int read_query_opt(struct byte_reader *reader, struct dns_query *query)
{
    uint8_t owner = byte_reader_u8(reader);
    uint16_t type = byte_reader_u16(reader), size = byte_reader_u16(reader);

    byte_reader_skip(reader, 4);
    byte_reader_skip(reader, byte_reader_u16(reader));
    if (!byte_reader_ok(reader) || owner != 0 || type != DNS_TYPE_OPT) {
        return -EBADMSG;
    }
    query->edns = true;
    query->udp_size = size < UDP_SIZE_MIN ? UDP_SIZE_MIN : size;
    return 0;
}

int dns_query_parse(const uint8_t *bytes, size_t length, struct dns_query *ret_query)
{
    struct byte_reader reader = byte_reader_init(bytes, length);
    struct dns_header header = read_header(&reader);
    struct dns_query query = {.id = header.id, .udp_size = UDP_SIZE_MIN};
    uint16_t class;

    if (!byte_reader_ok(&reader) || (header.flags & (FLAG_ANSWER | FLAGS_OPCODE)) != 0 ||
        header.questions != 1 || header.answers != 0 || header.authorities != 0 ||
        header.additionals > 1) {
        return -EBADMSG;
    }
    if (dns_name_read(&reader, false, &query.name) < 0) {
        return -EBADMSG;
    }
    query.type = byte_reader_u16(&reader);
    class = byte_reader_u16(&reader);
    if (!byte_reader_ok(&reader) || class != CLASS_IN) {
        return -EBADMSG;
    }
    if (header.additionals == 1 && read_query_opt(&reader, &query) < 0) {
        return -EBADMSG;
    }
    if (byte_reader_left(&reader) != 0) {
        return -EBADMSG;
    }
    query.recursion_desired = (header.flags & FLAG_RD) != 0;
    *ret_query = query;
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

struct wire_writer {
    uint8_t *bytes;
    size_t length, room;
};

static void put(struct wire_writer *writer, const void *bytes, size_t count)
{
    if (count <= writer->room - writer->length) {
        memcpy(writer->bytes + writer->length, bytes, count);
        writer->length += count;
    }
}

static void put_u8(struct wire_writer *writer, uint8_t value)
{
    put(writer, &value, 1);
}

static void put_u16(struct wire_writer *writer, uint16_t value)
{
    uint8_t wire[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    put(writer, wire, sizeof(wire));
}

static void put_u32(struct wire_writer *writer, uint32_t value)
{
    put_u16(writer, (uint16_t)(value >> 16));
    put_u16(writer, (uint16_t)value);
}

static void put_header(struct wire_writer *writer, const struct dns_header *header)
{
    put_u16(writer, header->id);
    put_u16(writer, header->flags);
    put_u16(writer, header->questions);
    put_u16(writer, header->answers);
    put_u16(writer, header->authorities);
    put_u16(writer, header->additionals);
}

static void put_question(struct wire_writer *writer, const struct dns_name *name, uint16_t type)
{
    put(writer, name->wire, name->length);
    put_u16(writer, type);
    put_u16(writer, CLASS_IN);
}

/* An OPT record; with an Extended DNS Error when there is one to tell. */
static void put_opt(struct wire_writer *writer, enum dns_ede ede, const char *text)
{
    size_t length = text == NULL ? 0 : strnlen(text, DNS_EDE_TEXT_MAX);

    put_u8(writer, 0);
    put_u16(writer, DNS_TYPE_OPT);
    put_u16(writer, DNS_UDP_SIZE);
    put_u32(writer, 0);
    if (ede == DNS_EDE_NONE) {
        put_u16(writer, 0);
        return;
    }
    put_u16(writer, (uint16_t)(6 + length));
    put_u16(writer, OPTION_EDE);
    put_u16(writer, (uint16_t)(2 + length));
    put_u16(writer, (uint16_t)ede);
    put(writer, text, length);
}

size_t dns_query_build(uint16_t id, const struct dns_name *name, uint16_t type,
                       uint8_t buffer[static 512])
{
    struct wire_writer writer = {.bytes = buffer, .room = 512};
    struct dns_header header = {.id = id, .flags = FLAG_RD, .questions = 1, .additionals = 1};

    put_header(&writer, &header);
    put_question(&writer, name, type);
    put_opt(&writer, DNS_EDE_NONE, NULL);
    return writer.length;
}

size_t dns_reply_build(const struct dns_query *query, const struct dns_reply *reply,
                       uint8_t buffer[static DNS_REPLY_MAX])
{
    struct wire_writer writer = {.bytes = buffer, .room = DNS_REPLY_MAX};
    struct dns_header header = {.id = query->id, .questions = 1};
    size_t opt_room = query->edns ? 11U + 6U + DNS_EDE_TEXT_MAX : 0;
    size_t fixed = DNS_HEADER_BYTES + query->name.length + 4U;

    header.flags = (uint16_t)(FLAG_ANSWER | FLAG_RA | (query->recursion_desired ? FLAG_RD : 0U) |
                              (unsigned int)reply->rcode);
    for (size_t i = 0; i < reply->count; i++) {
        fixed += 2U + RECORD_FIXED + ip_family_bits(reply->addresses[i].family) / 8;
        if (fixed + opt_room > DNS_REPLY_MAX) {
            break; /* enough addresses for anybody */
        }
        header.answers++;
    }
    header.additionals = query->edns ? 1 : 0;
    put_header(&writer, &header);
    put_question(&writer, &query->name, query->type);
    for (size_t i = 0; i < header.answers; i++) {
        const struct ip_address *address = &reply->addresses[i];
        uint16_t bytes = (uint16_t)(ip_family_bits(address->family) / 8);

        put_u16(&writer, COMPRESSED_OWNER);
        put_u16(&writer, address->family == IP_V4 ? DNS_TYPE_A : DNS_TYPE_AAAA);
        put_u16(&writer, CLASS_IN);
        put_u32(&writer, reply->ttl);
        put_u16(&writer, bytes);
        put(&writer, address->bytes, bytes);
    }
    if (query->edns) {
        put_opt(&writer, reply->ede, reply->ede_text);
    }
    return writer.length;
}

size_t dns_reply_build_malformed(const uint8_t *bytes, size_t length,
                                 uint8_t buffer[static DNS_HEADER_BYTES])
{
    struct byte_reader reader = byte_reader_init(bytes, length);
    struct wire_writer writer = {.bytes = buffer, .room = DNS_HEADER_BYTES};
    struct dns_header header = read_header(&reader), reply = {.id = header.id};

    if (!byte_reader_ok(&reader) || (header.flags & FLAG_ANSWER) != 0) {
        return 0;
    }
    reply.flags = (uint16_t)(FLAG_ANSWER | (header.flags & FLAGS_OPCODE) | DNS_FORMERR);
    put_header(&writer, &reply);
    return writer.length;
}

/* ---- answers ------------------------------------------------------------------------------- */

/* A record of the answer section that may belong to the chain. */
struct chain_record {
    struct dns_name owner;
    uint16_t type;
    uint32_t ttl;
    size_t data_offset; /* in the message */
    uint16_t data_length;
};

/* Steps over one record. *ret_record is NULL for sections that nobody looks at. */
static int read_record(struct byte_reader *reader, struct chain_record *ret_record, bool *ret_used)
{
    struct byte_reader start = *reader;
    struct dns_name owner = {.length = 0};
    bool hostlike = ret_record != NULL && dns_name_read(reader, true, &owner) == 0;
    uint16_t type, class, length;
    uint32_t ttl;
    size_t offset;

    if (!hostlike) {
        *reader = start;
        if (dns_name_skip(reader) < 0) {
            return -EBADMSG;
        }
    }
    type = byte_reader_u16(reader);
    class = byte_reader_u16(reader);
    ttl = byte_reader_u32(reader);
    length = byte_reader_u16(reader);
    offset = reader->offset;
    byte_reader_skip(reader, length);
    if (!byte_reader_ok(reader)) {
        return -EBADMSG;
    }
    *ret_used = hostlike && class == CLASS_IN &&
                (type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_CNAME);
    if (*ret_used) {
        *ret_record = (struct chain_record){owner, type, ttl, offset, length};
    }
    return 0;
}

/* An address whose data has the wrong length makes the whole message unusable. */
static int add_address(const uint8_t *bytes, const struct chain_record *record,
                       struct dns_answer *answer)
{
    const uint8_t *data = bytes + record->data_offset;

    if (record->data_length != (record->type == DNS_TYPE_A ? 4 : 16)) {
        return -EBADMSG;
    }
    if (answer->count == DNS_ADDRESSES_MAX) {
        answer->more = true;
        return 0;
    }
    answer->addresses[answer->count++] =
        record->type == DNS_TYPE_A ? ip_address_v4(data) : ip_address_v6(data);
    return 0;
}

static int read_target(const uint8_t *bytes, size_t length, const struct chain_record *record,
                       struct dns_name *ret_target)
{
    struct byte_reader reader = byte_reader_init(bytes, length);

    byte_reader_skip(&reader, record->data_offset);
    if (dns_name_read(&reader, true, ret_target) < 0 ||
        reader.offset != record->data_offset + record->data_length) {
        return -EBADMSG;
    }
    return 0;
}

/* From the question's name along the CNAMEs; addresses count only at the chain's end. */
static int follow_chain(const uint8_t *bytes, size_t length, const struct chain_record *records,
                        size_t count, const struct dns_name *name, uint16_t type,
                        struct dns_answer *answer)
{
    struct dns_name owner = *name;
    uint32_t ttl = UINT32_MAX;

    for (answer->chain = 0; answer->chain <= DNS_CHAIN_MAX; answer->chain++) {
        const struct chain_record *alias = NULL;

        for (size_t i = 0; i < count; i++) {
            if (!dns_name_equals(&records[i].owner, &owner)) {
                continue;
            }
            if (records[i].type == DNS_TYPE_CNAME) {
                alias = alias == NULL ? &records[i] : alias;
            } else if (records[i].type == type) {
                int error = add_address(bytes, &records[i], answer);

                if (error < 0) {
                    return error;
                }
                ttl = records[i].ttl < ttl ? records[i].ttl : ttl;
            }
        }
        if (answer->count > 0 || alias == NULL) {
            answer->ttl = answer->count > 0 ? ttl : 0;
            return 0;
        }
        ttl = alias->ttl < ttl ? alias->ttl : ttl;
        if (read_target(bytes, length, alias, &owner) < 0) {
            return -EBADMSG;
        }
    }
    return -EBADMSG; /* a loop, or longer than anybody's chain */
}

static int read_answer_question(struct byte_reader *reader, const struct dns_name *name,
                                uint16_t type)
{
    const uint8_t *spelt = byte_reader_take(reader, name->length);
    uint16_t asked_type = byte_reader_u16(reader), asked_class = byte_reader_u16(reader);

    if (!byte_reader_ok(reader)) {
        return -EBADMSG;
    }
    /* Byte for byte: the random case of the letters is part of what a forger has to guess. */
    return memcmp(spelt, name->wire, name->length) == 0 && asked_type == type &&
                   asked_class == CLASS_IN
               ? 0
               : -ENOMSG;
}

int dns_answer_parse(const uint8_t *bytes, size_t length, uint16_t id, const struct dns_name *name,
                     uint16_t type, struct dns_answer *ret_answer)
{
    struct chain_record records[RECORDS_MAX];
    struct byte_reader reader = byte_reader_init(bytes, length);
    struct dns_header header = read_header(&reader);
    struct dns_answer answer = {.rcode = header.flags & 0x0fU,
                                .truncated = (header.flags & FLAG_TRUNCATED) != 0};
    size_t used = 0, rest = (size_t)header.authorities + header.additionals;
    bool use;
    int error;

    if (!byte_reader_ok(&reader)) {
        return -EBADMSG;
    }
    if (header.id != id || (header.flags & (FLAG_ANSWER | FLAGS_OPCODE)) != FLAG_ANSWER ||
        header.questions != 1) {
        return -ENOMSG;
    }
    error = read_answer_question(&reader, name, type);
    if (error < 0) {
        return error;
    }
    if (answer.truncated) {
        *ret_answer = answer;
        return 0;
    }
    if (header.answers > RECORDS_MAX || rest > RECORDS_MAX) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < header.answers; i++) {
        if (read_record(&reader, &records[used], &use) < 0) {
            return -EBADMSG;
        }
        used += use ? 1 : 0;
    }
    for (size_t i = 0; i < rest; i++) {
        if (read_record(&reader, NULL, &use) < 0) {
            return -EBADMSG;
        }
    }
    if (byte_reader_left(&reader) != 0) {
        return -EBADMSG;
    }
    if (answer.rcode == DNS_NOERROR) {
        error = follow_chain(bytes, length, records, used, name, type, &answer);
        if (error < 0) {
            return error;
        }
    }
    *ret_answer = answer;
    return 0;
}
