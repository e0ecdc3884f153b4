/*
 * The lines of a segment, read on several threads and given in their order.
 *
 * A segment is read in blocks of whole lines. Unpacking goes from block to block, so one thread at
 * a time does it; grammar and hash of a line need nothing of the lines before it, so every thread
 * judges blocks. Whoever has nothing else to do takes the next of these jobs, the caller too while
 * it waits.
 *
 * Ownership: line_stream_new() gives the caller a stream, with its threads; line_stream_free() ends
 * them. Threads: one caller. A thread that cannot be made is done without.
 */
#ifndef FAILCORE_AUDIT_LINE_STREAM_H
#define FAILCORE_AUDIT_LINE_STREAM_H

#include <stddef.h>

#include "shared/audit/segment.h"
#include "shared/audit/segment_file.h"

#define LINE_STREAM_THREADS_MAX 16U

enum line_block_state { BLOCK_FREE = 0, BLOCK_READING, BLOCK_READ, BLOCK_JUDGING, BLOCK_JUDGED };

struct line_block {
    enum line_block_state state;
    char *text;
    size_t length;
    struct segment_line *line; /* those that are good, up to the first bad one */
    size_t count;
    size_t room;
    const char *why; /* of the first bad line; NULL: none */
    size_t torn;     /* bytes behind the last newline */
    int error;       /* of reading: the last block then */
    struct sha256 *sha;
};

struct line_stream;

/* -ENOMEM. */
int line_stream_new(unsigned int threads, struct line_stream **ret_stream);
void line_stream_free(struct line_stream *stream);

/* From here on blocks are of this file, which is borrowed until line_stream_end(). */
void line_stream_begin(struct line_stream *stream, struct segment_file *file);
/* The next block, valid until the next call; NULL behind the last one. */
const struct line_block *line_stream_next(struct line_stream *stream);
/* Lets the file go, also in the middle. */
void line_stream_end(struct line_stream *stream);

#endif
