#include "netguard/flow/held_stream.h"

#include <string.h>

static bool is_seen(const struct held_stream *stream, size_t at)
{
    return (stream->seen[at / 8] >> (at % 8) & 1U) != 0;
}

bool held_stream_agrees(const struct held_stream *stream, size_t judged, uint32_t offset,
                        const uint8_t *bytes, size_t length)
{
    size_t end = judged < HELD_STREAM_BYTES ? judged : HELD_STREAM_BYTES;

    /* Sequence numbers wrap: a segment that begins before the first byte may reach into it. */
    for (size_t i = 0; i < length; i++) {
        uint32_t at = offset + (uint32_t)i;

        if (at < end && (!is_seen(stream, at) || stream->bytes[at] != bytes[i])) {
            return false;
        }
    }
    return true;
}

enum held_outcome held_stream_add(struct held_stream *stream, uint32_t offset, const uint8_t *bytes,
                                  size_t length)
{
    size_t fits = offset >= HELD_STREAM_BYTES ? 0 : HELD_STREAM_BYTES - offset;

    fits = length < fits ? length : fits;
    for (size_t i = 0; i < fits; i++) {
        if (is_seen(stream, offset + i) && stream->bytes[offset + i] != bytes[i]) {
            return HELD_CONFLICT;
        }
    }
    for (size_t i = 0; i < fits; i++) {
        stream->bytes[offset + i] = bytes[i];
        stream->seen[(offset + i) / 8] |= (uint8_t)(1U << ((offset + i) % 8));
    }
    while (stream->contiguous < HELD_STREAM_BYTES && is_seen(stream, stream->contiguous)) {
        stream->contiguous++;
    }
    return fits == length ? HELD_TAKEN : HELD_BEYOND;
}
