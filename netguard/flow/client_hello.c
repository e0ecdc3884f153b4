#include "netguard/flow/client_hello.h"

#include <string.h>

#include "shared/base/byte_reader.h"
#include "shared/base/str_view.h"

#define RECORD_HANDSHAKE      22U
#define RECORD_HEADER         5U
#define RECORD_MAX            16384U /* RFC 8446 section 5.1, plaintext */
#define HANDSHAKE_HELLO       1U
#define HANDSHAKE_HEADER      4U
#define EXTENSION_SERVER_NAME 0U
#define EXTENSION_ECH         0xfe0dU
#define EXTENSION_ESNI        0xffceU /* the draft before it */
#define NAME_TYPE_HOST        0U
#define EXTENSIONS_MAX        128U

bool client_hello_looks_like_tls(const uint8_t *bytes, size_t length)
{
    return length >= 2 && bytes[0] == RECORD_HANDSHAKE && bytes[1] == 3;
}

/* A host name as rules spell it. RFC 6066 section 3: no final dot, no address. */
static bool read_host_name(struct byte_reader name, struct client_hello *hello)
{
    size_t length = byte_reader_left(&name);
    const char *bytes = (const char *)byte_reader_take(&name, length);
    struct str_view folded;

    if (bytes == NULL || length == 0 || bytes[length - 1] == '.' ||
        !host_name_fold((struct str_view){bytes, length}, hello->server_name, &folded)) {
        return false;
    }
    hello->server_name_length = folded.length;
    return true;
}

/* Exactly one entry, and that a host name: two names would leave open which one the server takes.
 */
static bool read_server_name(struct byte_reader extension, struct client_hello *hello)
{
    struct byte_reader list = byte_reader_sub(&extension, byte_reader_u16(&extension));
    uint8_t type = byte_reader_u8(&list);
    struct byte_reader name = byte_reader_sub(&list, byte_reader_u16(&list));

    return byte_reader_ok(&name) && byte_reader_left(&list) == 0 &&
           byte_reader_left(&extension) == 0 && type == NAME_TYPE_HOST &&
           read_host_name(name, hello);
}

static bool read_extensions(struct byte_reader extensions, struct client_hello *hello)
{
    uint16_t seen[EXTENSIONS_MAX];
    size_t count = 0;

    while (byte_reader_left(&extensions) > 0) {
        uint16_t type = byte_reader_u16(&extensions);
        struct byte_reader content = byte_reader_sub(&extensions, byte_reader_u16(&extensions));

        if (!byte_reader_ok(&content) || count == EXTENSIONS_MAX) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            if (seen[i] == type) {
                return false; /* RFC 8446 section 4.2: at most once each */
            }
        }
        seen[count++] = type;
        if (type == EXTENSION_SERVER_NAME && !read_server_name(content, hello)) {
            return false;
        }
        if (type == EXTENSION_ECH || type == EXTENSION_ESNI) {
            hello->encrypted = true;
        }
    }
    return byte_reader_ok(&extensions);
}

static bool read_hello(struct byte_reader body, struct client_hello *hello)
{
    uint16_t version = byte_reader_u16(&body);
    uint16_t suites;

    byte_reader_skip(&body, 32); /* random */
    byte_reader_skip(&body, byte_reader_u8(&body));
    suites = byte_reader_u16(&body);
    byte_reader_skip(&body, suites);
    byte_reader_skip(&body, byte_reader_u8(&body));
    if (!byte_reader_ok(&body) || version >> 8 != 3 || suites == 0 || suites % 2 != 0) {
        return false;
    }
    if (byte_reader_left(&body) == 0) {
        return true; /* before extensions were invented: no name */
    }
    struct byte_reader extensions = byte_reader_sub(&body, byte_reader_u16(&body));

    return byte_reader_ok(&extensions) && byte_reader_left(&body) == 0 &&
           read_extensions(extensions, hello);
}

/* The hello's bytes without the record headers, as far as they have arrived. */
struct gathered {
    uint8_t bytes[HANDSHAKE_HEADER + CLIENT_HELLO_MAX];
    size_t length;
    size_t wire_bytes; /* of the stream, once the hello is whole */
};

/* Of the whole hello; its header must be there. */
static size_t wanted_length(const struct gathered *gathered)
{
    return HANDSHAKE_HEADER + ((size_t)gathered->bytes[1] << 16 | (size_t)gathered->bytes[2] << 8 |
                               gathered->bytes[3]);
}

/* One record's content, `announced` bytes in all; false when it cannot be part of a hello. */
static bool gather(struct gathered *gathered, const uint8_t *content, size_t count,
                   size_t announced)
{
    size_t start = gathered->length;

    if (count > sizeof(gathered->bytes) - start) {
        return false;
    }
    memcpy(gathered->bytes + start, content, count);
    gathered->length += count;
    if (gathered->bytes[0] != HANDSHAKE_HELLO) {
        return false;
    }
    if (gathered->length < HANDSHAKE_HEADER) {
        return true;
    }
    /* Nothing may follow the hello in its last record: it would be judged by nobody. */
    return wanted_length(gathered) <= sizeof(gathered->bytes) &&
           start + announced <= wanted_length(gathered);
}

static enum hello_state gather_records(const uint8_t *bytes, size_t length,
                                       struct gathered *gathered)
{
    size_t offset = 0;

    while (gathered->length < HANDSHAKE_HEADER || gathered->length < wanted_length(gathered)) {
        const uint8_t *header = bytes + offset;
        size_t left = length - offset, announced, count;

        if ((left > 0 && header[0] != RECORD_HANDSHAKE) || (left > 1 && header[1] != 3)) {
            return HELLO_BAD;
        }
        if (left < RECORD_HEADER) {
            return HELLO_MORE;
        }
        announced = (size_t)header[3] << 8 | header[4];
        if (announced == 0 || announced > RECORD_MAX) {
            return HELLO_BAD;
        }
        count = announced < left - RECORD_HEADER ? announced : left - RECORD_HEADER;
        if (count == 0) {
            return HELLO_MORE;
        }
        if (!gather(gathered, header + RECORD_HEADER, count, announced)) {
            return HELLO_BAD;
        }
        offset += RECORD_HEADER + count;
        if (count < announced) {
            return HELLO_MORE;
        }
    }
    gathered->wire_bytes = offset;
    return HELLO_WHOLE;
}

enum hello_state client_hello_read(const uint8_t *bytes, size_t length,
                                   struct client_hello *ret_hello)
{
    struct gathered gathered = {.length = 0};
    struct client_hello hello = {.server_name_length = 0};
    enum hello_state state = gather_records(bytes, length, &gathered);

    if (state != HELLO_WHOLE) {
        return state;
    }
    if (!read_hello(
            byte_reader_init(gathered.bytes + HANDSHAKE_HEADER, gathered.length - HANDSHAKE_HEADER),
            &hello)) {
        return HELLO_BAD;
    }
    hello.wire_bytes = gathered.wire_bytes;
    *ret_hello = hello;
    return HELLO_WHOLE;
}
