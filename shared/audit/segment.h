/*
 * Reading a segment of the log: lines whose seq, chain and hash hold.
 *
 * The text may be anything: it is read with bounds checks, and what is wrong is named. This is
 * the one reader for the writer's recovery, for verifying and for exporting.
 */
#ifndef FAILCORE_AUDIT_SEGMENT_H
#define FAILCORE_AUDIT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/crypto/sha256.h"

#define SEGMENT_NAME_MAX 32 /* 20 digits, ".jsonl", NUL */

void segment_name_format(uint64_t first_seq, char name[static SEGMENT_NAME_MAX]);
/* False for a name that is not exactly that of a segment. */
bool segment_name_parse(const char *name, uint64_t *ret_first_seq);

struct segment_line {
    struct str_view text; /* without the newline */
    uint64_t seq;
    uint64_t producer;
    uint64_t pseq;
    uint64_t count; /* pseq that the record stands for */
    uint8_t hash[SHA256_SIZE];
};

struct segment_reader {
    struct str_view text;
    size_t offset; /* whole good lines so far */
    uint64_t next_seq;
    char previous_hash[SHA256_HEX_SIZE];
    const char *why; /* after -EBADMSG: what is wrong with line next_seq */
};

/* `previous_hash`: 64 zeros at the beginning of a log. */
struct segment_reader segment_reader_init(struct str_view text, uint64_t first_seq,
                                          const char previous_hash[static SHA256_HEX_SIZE]);

/*
 * The next whole line: 1, or 0 at the end. Bytes behind the last newline are a torn line, not an
 * error: they begin at reader->offset. -EBADMSG: the line is not the one that the chain wants.
 */
int segment_reader_next(struct segment_reader *reader, struct sha256 *sha,
                        struct segment_line *ret_line);

#endif
