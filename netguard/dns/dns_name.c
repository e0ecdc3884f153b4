#include "netguard/dns/dns_name.h"

#include <errno.h>

#define JUMPS_MAX     64U
#define LABEL_MAX     63U
#define POINTER_BITS  0xc0U
#define POINTER_VALUE 0x3fffU

static bool byte_is_hostlike(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

/* False when the label does not fit. A zero `count` is the root label. */
static bool add_label(struct dns_name *name, const uint8_t *label, size_t count)
{
    if (name->length + 1U + count > DNS_NAME_WIRE_MAX) {
        return false;
    }
    name->wire[name->length++] = (uint8_t)count;
    memcpy(name->wire + name->length, label, count);
    name->length = (uint8_t)(name->length + count);
    return true;
}

static bool label_is_hostlike(const uint8_t *label, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!byte_is_hostlike(label[i])) {
            return false;
        }
    }
    return true;
}

/*
 * Reads labels from *reader, which is left behind the name's own bytes. Where a pointer leads is
 * read through a second reader. Each pointer must lead before the place where the current run of
 * labels began, so that every jump makes the bound smaller and the walk ends.
 */
static int read_labels(struct byte_reader *reader, bool compressed, bool strict,
                       struct dns_name *ret_name)
{
    struct byte_reader elsewhere = *reader, *labels = reader;
    struct dns_name name = {.length = 0};
    size_t bound = reader->offset;
    unsigned int jumps = 0;

    for (;;) {
        uint8_t head = byte_reader_u8(labels);

        if ((head & POINTER_BITS) == POINTER_BITS) {
            size_t target = ((size_t)head << 8 | byte_reader_u8(labels)) & POINTER_VALUE;

            if (!compressed || !byte_reader_ok(labels) || target < DNS_HEADER_BYTES ||
                target >= bound || ++jumps > JUMPS_MAX) {
                return -EBADMSG;
            }
            elsewhere = byte_reader_init(reader->bytes, reader->length);
            byte_reader_skip(&elsewhere, target);
            labels = &elsewhere;
            bound = target;
            continue;
        }
        if (head > LABEL_MAX) {
            return -EBADMSG; /* RFC 6891 section 5: the other label types are not in use */
        }
        const uint8_t *label = byte_reader_take(labels, head);

        if (!byte_reader_ok(labels) || (strict && !label_is_hostlike(label, head)) ||
            !add_label(&name, label, head)) {
            return -EBADMSG;
        }
        if (head == 0) {
            *ret_name = name;
            return 0;
        }
    }
}

int dns_name_read(struct byte_reader *reader, bool compressed, struct dns_name *ret_name)
{
    return read_labels(reader, compressed, true, ret_name);
}

int dns_name_skip(struct byte_reader *reader)
{
    struct dns_name ignored;

    return read_labels(reader, true, false, &ignored);
}

bool dns_name_is_sound(const struct dns_name *name)
{
    struct byte_reader reader = byte_reader_init(name->wire, name->length);
    struct dns_name same;

    return name->length == 0 ||
           (dns_name_read(&reader, false, &same) == 0 && byte_reader_left(&reader) == 0);
}

struct str_view dns_name_text(const struct dns_name *name, char text[static DNS_NAME_TEXT_MAX + 1])
{
    size_t from = 0, to = 0;

    while (from < name->length && name->wire[from] != 0) {
        uint8_t count = name->wire[from++];

        if (to > 0) {
            text[to++] = '.';
        }
        for (uint8_t i = 0; i < count; i++) {
            text[to++] = (char)lower(name->wire[from++]);
        }
    }
    text[to] = '\0';
    return (struct str_view){text, to};
}

bool dns_name_equals(const struct dns_name *a, const struct dns_name *b)
{
    if (a->length != b->length) {
        return false;
    }
    for (size_t i = 0; i < a->length; i++) {
        if (lower(a->wire[i]) != lower(b->wire[i])) {
            return false;
        }
    }
    return true;
}
