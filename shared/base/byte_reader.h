/*
 * The only way this project reads bytes that somebody else wrote.
 *
 * The first read past the end makes the reader stick: it and every later read give zeros and
 * byte_reader_ok() is false. So a parser reads straight through and checks once.
 * Integers come in network byte order (RFC 1700) unless the name ends in _le.
 */
#ifndef FAILCORE_BASE_BYTE_READER_H
#define FAILCORE_BASE_BYTE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_reader {
    const uint8_t *bytes;
    size_t length;
    size_t offset;
    bool failed;
};

static inline struct byte_reader byte_reader_init(const void *bytes, size_t length)
{
    return (struct byte_reader){.bytes = bytes, .length = length};
}

static inline bool byte_reader_ok(const struct byte_reader *reader)
{
    return !reader->failed;
}

static inline size_t byte_reader_left(const struct byte_reader *reader)
{
    return reader->failed ? 0 : reader->length - reader->offset;
}

/* Borrowed; NULL when fewer than `count` bytes are left. */
static inline const uint8_t *byte_reader_take(struct byte_reader *reader, size_t count)
{
    const uint8_t *taken;

    if (reader->failed || count > reader->length - reader->offset) {
        reader->failed = true;
        return NULL;
    }
    taken = reader->bytes + reader->offset;
    reader->offset += count;
    return taken;
}

static inline void byte_reader_skip(struct byte_reader *reader, size_t count)
{
    (void)byte_reader_take(reader, count);
}

static inline uint8_t byte_reader_u8(struct byte_reader *reader)
{
    const uint8_t *b = byte_reader_take(reader, 1);

    return b == NULL ? 0 : b[0];
}

static inline uint16_t byte_reader_u16(struct byte_reader *reader)
{
    const uint8_t *b = byte_reader_take(reader, 2);

    return b == NULL ? 0 : (uint16_t)((unsigned int)b[0] << 8 | b[1]);
}

static inline uint32_t byte_reader_u24(struct byte_reader *reader)
{
    const uint8_t *b = byte_reader_take(reader, 3);

    return b == NULL ? 0 : (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static inline uint32_t byte_reader_u32(struct byte_reader *reader)
{
    const uint8_t *b = byte_reader_take(reader, 4);

    return b == NULL ? 0 : (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A reader over the next `count` bytes; it has failed from the start when they are not there. */
static inline struct byte_reader byte_reader_sub(struct byte_reader *reader, size_t count)
{
    const uint8_t *b = byte_reader_take(reader, count);
    struct byte_reader sub = byte_reader_init(b, b == NULL ? 0 : count);

    sub.failed = b == NULL;
    return sub;
}

#endif
