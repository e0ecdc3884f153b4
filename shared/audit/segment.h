/*
 * Reading the records of a log: each line by itself, then the chain over the lines.
 *
 * The text may be anything: it is read with bounds checks, and what is wrong is named. This is
 * the one reader for the writer's recovery, for verifying and for exporting.
 */
#ifndef FAILCORE_AUDIT_SEGMENT_H
#define FAILCORE_AUDIT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/record_reader.h"
#include "shared/audit/record_words.h"
#include "shared/base/str_view.h"
#include "shared/crypto/sha256.h"

/* One record. The text is borrowed. */
struct segment_line {
    struct str_view text; /* without the newline */
    uint64_t seq;
    uint64_t producer;
    uint64_t pseq;
    uint64_t count; /* pseq that the record stands for */
    uint64_t mono_ns;
    enum audit_kind kind;
    uint8_t previous[SHA256_SIZE];
    uint8_t hash[SHA256_SIZE];
};

/*
 * Judges one line without its newline: the grammar, strictly, and its own hash. -EBADMSG and *why
 * (static text) when it is not a record, or was changed. Threads: any, each with its own sha.
 */
int segment_line_read(struct str_view text, struct sha256 *sha, struct segment_line *ret_line,
                      const char **reterr_why);

/* What is known of the line before: parts that are spelled alike are read once. {0}: nothing. */
struct segment_sight {
    struct audit_record record[2]; /* of the line before, and room for the next */
    unsigned int last;
};

/*
 * The same where the hash of record_hash_two() is there already. The line that `sight` has
 * seen last must still lie where it lay.
 */
int segment_line_judge(struct str_view text, const uint8_t hash[static SHA256_SIZE],
                       struct segment_sight *sight, struct segment_line *ret_line,
                       const char **reterr_why);

/* Where a chain stands. {0}: at the beginning of a log. */
struct segment_chain {
    uint64_t next_seq;
    uint8_t previous[SHA256_SIZE];
};

/* The line must be the next one. -EBADMSG and *why otherwise. */
int segment_chain_add(struct segment_chain *chain, const struct segment_line *line,
                      const char **reterr_why);

/* Takes the first whole line off `rest`; false when there is none (a torn line may be left). */
bool segment_take_line(struct str_view *rest, struct str_view *ret_line);

/* The raw value of a member of the record or, with `inside` ("call"), of an object in it. Absent
 * when it is not there. The line must have been read. */
struct str_view segment_line_member(const struct segment_line *line, const char *inside,
                                    const char *name);

#endif
