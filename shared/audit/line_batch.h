/*
 * Reading the lines of several pieces of a log at once, one thread per piece: grammar and hash of
 * a line need nothing of the lines before it.
 */
#ifndef FAILCORE_AUDIT_LINE_BATCH_H
#define FAILCORE_AUDIT_LINE_BATCH_H

#include <stddef.h>

#include "shared/audit/segment.h"
#include "shared/audit/segment_file.h"

#define LINE_BATCH_MAX 16U

struct line_block {
    char *text; /* SEGMENT_BLOCK_BYTES; filled by the caller */
    size_t length;
    struct segment_line *line; /* those that are good, up to the first bad one */
    size_t count;
    size_t room;
    const char *why; /* of the first bad line; NULL: none */
    size_t torn;     /* bytes behind the last newline */
    int error;       /* -ENOMEM */
    struct sha256 *sha;
};

struct line_batch {
    struct line_block block[LINE_BATCH_MAX];
    unsigned int width; /* blocks in use: as many as threads */
};

int line_batch_init(struct line_batch *batch, unsigned int width);
void line_batch_clear(struct line_batch *batch);

/* Reads the first `count` blocks. */
void line_batch_read(struct line_batch *batch, unsigned int count);

#endif
