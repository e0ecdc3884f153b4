/*
 * The first bytes of one direction of a TCP connection while the guard holds or watches them.
 *
 * Every byte has one value: a segment that says otherwise about a byte that was seen before is a
 * conflict, whichever came first. That is what ties what was judged to what the server gets
 * (SECURITY-RULES SR22).
 *
 * Threads: one at a time.
 */
#ifndef FAILCORE_NETGUARD_FLOW_HELD_STREAM_H
#define FAILCORE_NETGUARD_FLOW_HELD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELD_STREAM_BYTES 17408U /* 16 KiB of hello and its record headers */

struct held_stream {
    size_t contiguous; /* bytes from the beginning without a gap */
    uint8_t seen[HELD_STREAM_BYTES / 8];
    uint8_t bytes[HELD_STREAM_BYTES];
};

enum held_outcome {
    HELD_CONFLICT = 0, /* differs from what was seen; nothing was taken */
    HELD_BEYOND,       /* (partly) past the end; what fits was taken */
    HELD_TAKEN,
};

/* `offset` of the segment's first byte from the stream's first. */
enum held_outcome held_stream_add(struct held_stream *stream, uint32_t offset, const uint8_t *bytes,
                                  size_t length);

/* Whether the segment repeats exactly what is known of the first `judged` bytes. */
bool held_stream_agrees(const struct held_stream *stream, size_t judged, uint32_t offset,
                        const uint8_t *bytes, size_t length);

#endif
