#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>

#include "netguard/dns/dns_message.h"

/* "a.example"; "" is the root. */
static const struct dns_name *name_of(const char *text, struct dns_name *name)
{
    *name = (struct dns_name){.length = 0};
    while (*text != '\0') {
        size_t length = strcspn(text, ".");

        name->wire[name->length++] = (uint8_t)length;
        memcpy(name->wire + name->length, text, length);
        name->length = (uint8_t)(name->length + length);
        text += length + (text[length] == '.');
    }
    name->length++; /* the root label */
    assert_true(dns_name_is_sound(name));
    return name;
}

/* A message under construction. */
struct wire {
    uint8_t bytes[4096];
    size_t length;
};

static void put(struct wire *wire, const void *bytes, size_t count)
{
    memcpy(wire->bytes + wire->length, bytes, count);
    wire->length += count;
}

static void put_u16(struct wire *wire, unsigned int value)
{
    uint8_t both[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    put(wire, both, 2);
}

static void put_name(struct wire *wire, const char *text)
{
    struct dns_name name;

    name_of(text, &name);
    put(wire, name.wire, name.length);
}

static void put_head(struct wire *wire, unsigned int flags, unsigned int answers)
{
    wire->length = 0;
    put_u16(wire, 7);
    put_u16(wire, flags);
    put_u16(wire, 1);
    put_u16(wire, answers);
    put_u16(wire, 0);
    put_u16(wire, 0);
    put_name(wire, "www.example.org");
    put_u16(wire, DNS_TYPE_A);
    put_u16(wire, 1);
}

static void put_record(struct wire *wire, const char *owner, unsigned int type, unsigned int ttl,
                       const void *data, size_t length)
{
    put_name(wire, owner);
    put_u16(wire, type);
    put_u16(wire, 1);
    put_u16(wire, 0);
    put_u16(wire, ttl);
    put_u16(wire, (unsigned int)length);
    put(wire, data, length);
}

static void put_alias(struct wire *wire, const char *owner, const char *target)
{
    struct dns_name name;

    name_of(target, &name);
    put_record(wire, owner, DNS_TYPE_CNAME, 30, name.wire, name.length);
}

static int parse(const struct wire *wire, struct dns_answer *answer)
{
    struct dns_name name;

    return dns_answer_parse(wire->bytes, wire->length, 7, name_of("www.example.org", &name),
                            DNS_TYPE_A, answer);
}

static const uint8_t one[4] = {93, 184, 216, 10}, two[4] = {93, 184, 216, 11};

static void our_question_is_a_question(void **state)
{
    struct dns_query query;
    struct dns_name name;
    uint8_t bytes[512];
    size_t length;

    (void)state;
    length = dns_query_build(9, name_of("Api.Example.org", &name), DNS_TYPE_AAAA, bytes);
    assert_int_equal(dns_query_parse(bytes, length, &query), 0);
    assert_int_equal(query.id, 9);
    assert_int_equal(query.type, DNS_TYPE_AAAA);
    assert_true(query.edns);
    assert_int_equal(query.udp_size, DNS_UDP_SIZE);
    assert_memory_equal(query.name.wire, name.wire, name.length);
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(dns_query_parse(bytes, i, &query), -EBADMSG);
    }
    bytes[length] = 0; /* one byte too many */
    assert_int_equal(dns_query_parse(bytes, length + 1, &query), -EBADMSG);
}

static void addresses_of_the_question_count(void **state)
{
    struct dns_answer answer;
    struct wire wire;

    (void)state;
    put_head(&wire, 0x8180, 3);
    put_record(&wire, "WWW.example.org", DNS_TYPE_A, 60, one, 4);
    put_record(&wire, "other.example.org", DNS_TYPE_A, 1, two, 4);
    put_record(&wire, "www.example.org", DNS_TYPE_A, 20, two, 4);
    assert_int_equal(parse(&wire, &answer), 0);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.ttl, 20);
    assert_memory_equal(answer.addresses[1].bytes, two, 4);
}

static void aliases_are_followed_from_the_question(void **state)
{
    struct dns_answer answer;
    struct wire wire;

    (void)state;
    put_head(&wire, 0x8180, 3);
    put_record(&wire, "c.example.net", DNS_TYPE_A, 60, one, 4);
    put_alias(&wire, "b.example.net", "c.example.net");
    put_alias(&wire, "www.example.org", "b.example.net");
    assert_int_equal(parse(&wire, &answer), 0);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.chain, 2);
    assert_int_equal(answer.ttl, 30);
    /* A chain that begins elsewhere leads nowhere. */
    put_head(&wire, 0x8180, 2);
    put_alias(&wire, "elsewhere.example.org", "c.example.net");
    put_record(&wire, "c.example.net", DNS_TYPE_A, 60, one, 4);
    assert_int_equal(parse(&wire, &answer), 0);
    assert_int_equal(answer.count, 0);
    /* A loop. */
    put_head(&wire, 0x8180, 2);
    put_alias(&wire, "www.example.org", "b.example.net");
    put_alias(&wire, "b.example.net", "www.example.org");
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
}

static void malformed_answers_are_refused_whole(void **state)
{
    struct dns_answer answer;
    struct wire wire, cut;

    (void)state;
    put_head(&wire, 0x8180, 1);
    put_record(&wire, "www.example.org", DNS_TYPE_A, 60, one, 4);
    for (size_t i = 33; i < wire.length; i++) {
        cut = wire;
        cut.length = i;
        assert_int_equal(parse(&cut, &answer), -EBADMSG);
    }
    cut = wire;
    cut.length++;
    assert_int_equal(parse(&cut, &answer), -EBADMSG);
    put_head(&wire, 0x8180, 1);
    put_record(&wire, "www.example.org", DNS_TYPE_A, 60, one, 3);
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
    /* The end of the question is missing. */
    put_head(&wire, 0x8180, 0);
    wire.length -= 3;
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
    wire.length = DNS_HEADER_BYTES - 1;
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
    /* More records than anybody sends, as the header says, before one of them is looked for. */
    put_head(&wire, 0x8180, 257);
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
    /* The records that nobody looks at must be whole as well. */
    put_head(&wire, 0x8180, 0);
    wire.bytes[9] = 1; /* one of authority */
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
    put_record(&wire, "example.org", DNS_TYPE_NS, 60, one, 4);
    assert_int_equal(parse(&wire, &answer), 0);
    wire.length--;
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
    /* An alias whose target is longer or shorter than its record. */
    put_head(&wire, 0x8180, 1);
    put_record(&wire, "www.example.org", DNS_TYPE_CNAME, 60, "\1a\0x", 4);
    assert_int_equal(parse(&wire, &answer), -EBADMSG);
}

static void of_many_addresses_the_first_count(void **state)
{
    struct dns_answer answer;
    struct wire wire;

    (void)state;
    put_head(&wire, 0x8180, DNS_ADDRESSES_MAX + 1);
    for (size_t i = 0; i < DNS_ADDRESSES_MAX; i++) {
        put_record(&wire, "www.example.org", DNS_TYPE_A, 60, one, 4);
    }
    put_record(&wire, "www.example.org", DNS_TYPE_A, 60, two, 4);
    assert_int_equal(parse(&wire, &answer), 0);
    assert_int_equal(answer.count, DNS_ADDRESSES_MAX);
    assert_true(answer.more);
    assert_memory_equal(answer.addresses[DNS_ADDRESSES_MAX - 1].bytes, one, 4);
}

static void a_malformed_question_is_told_so(void **state)
{
    static const uint8_t question[] = {0xab, 0xcd, 0x28, 0x10, 0, 9, 0, 0, 0, 0, 0, 0};
    uint8_t reply[DNS_HEADER_BYTES];

    (void)state;
    assert_int_equal(dns_reply_build_malformed(question, sizeof(question), reply), sizeof(reply));
    /* The id and the kind of question come back, and nothing else of it. */
    assert_memory_equal(reply, "\xab\xcd\xa8\x01\0\0\0\0\0\0\0\0", sizeof(reply));
    /* Two programs that answer each other's answers would never stop. */
    assert_int_equal(dns_reply_build_malformed(reply, sizeof(reply), reply), 0);
    assert_int_equal(dns_reply_build_malformed(question, sizeof(question) - 1, reply), 0);
}

static void types_have_words(void **state)
{
    (void)state;
    assert_string_equal(dns_type_word(DNS_TYPE_AAAA), "AAAA");
    assert_string_equal(dns_type_word(DNS_TYPE_HTTPS), "HTTPS");
    assert_string_equal(dns_type_word(0xffff), "other");
}

static void what_answers_another_question_is_none(void **state)
{
    struct dns_answer answer;
    struct wire wire;

    (void)state;
    put_head(&wire, 0x8180, 0);
    wire.bytes[1] = 8; /* the id */
    assert_int_equal(parse(&wire, &answer), -ENOMSG);
    put_head(&wire, 0x0100, 0); /* a question */
    assert_int_equal(parse(&wire, &answer), -ENOMSG);
    put_head(&wire, 0x8180, 0);
    wire.bytes[13] = 'W'; /* another spelling */
    assert_int_equal(parse(&wire, &answer), -ENOMSG);
    put_head(&wire, 0x8380, 0); /* truncated */
    assert_int_equal(parse(&wire, &answer), 0);
    assert_true(answer.truncated);
}

static void replies_fit_and_carry_the_error(void **state)
{
    struct dns_query query = {.id = 5, .type = DNS_TYPE_AAAA, .edns = true};
    struct ip_address many[DNS_ADDRESSES_MAX];
    struct dns_reply reply = {.ede = DNS_EDE_BLOCKED, .ede_text = "DOMAIN_DENIED: why"};
    uint8_t bytes[DNS_REPLY_MAX];
    size_t length;

    (void)state;
    name_of("www.example.org", &query.name);
    for (size_t i = 0; i < DNS_ADDRESSES_MAX; i++) {
        many[i] = (struct ip_address){.family = IP_V6, .bytes = {0x20}};
    }
    reply.addresses = many;
    reply.count = DNS_ADDRESSES_MAX;
    length = dns_reply_build(&query, &reply, bytes);
    assert_true(length <= DNS_REPLY_MAX);
    assert_int_equal(bytes[7], DNS_ADDRESSES_MAX);
    assert_non_null(memmem(bytes, length, "DOMAIN_DENIED", 13));
    /* Beside a long name there is room for fewer. */
    name_of("a23456789a123456789a123456789a123456789.b23456789a123456789a123456789a123456789."
            "c23456789a123456789a123456789a123456789.d23456789a123456789a123456789a123456789.org",
            &query.name);
    length = dns_reply_build(&query, &reply, bytes);
    assert_true(length <= DNS_REPLY_MAX);
    assert_in_range(bytes[7], 20, DNS_ADDRESSES_MAX - 1);
    assert_non_null(memmem(bytes, length, "DOMAIN_DENIED", 13));
    name_of("www.example.org", &query.name);
    query.edns = false;
    length = dns_reply_build(&query, &reply, bytes);
    assert_null(memmem(bytes, length, "DOMAIN_DENIED", 13));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_question_is_a_question),
        cmocka_unit_test(addresses_of_the_question_count),
        cmocka_unit_test(aliases_are_followed_from_the_question),
        cmocka_unit_test(malformed_answers_are_refused_whole),
        cmocka_unit_test(of_many_addresses_the_first_count),
        cmocka_unit_test(a_malformed_question_is_told_so),
        cmocka_unit_test(types_have_words),
        cmocka_unit_test(what_answers_another_question_is_none),
        cmocka_unit_test(replies_fit_and_carry_the_error),
    };

    return cmocka_run_group_tests_name("dns_message", tests, NULL, NULL);
}
