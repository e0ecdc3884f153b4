/*
 * The segments of a log as files: which there are, and their text in pieces of whole lines.
 *
 * log/<first seq, 20 digits>.jsonl is a segment; a closed one may be .jsonl.zst (zstd).
 *
 * Ownership: segment_list_clear(); segment_file_open() gives the caller a file. Threads: one file,
 * one thread. Errors: negative errno.
 */
#ifndef FAILCORE_AUDIT_SEGMENT_FILE_H
#define FAILCORE_AUDIT_SEGMENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/str_view.h"

#define SEGMENT_NAME_MAX    40
#define SEGMENT_BLOCK_BYTES (2U << 20)

struct segment_entry {
    uint64_t first_seq;
    bool is_compressed;
};

/* In the order of their first seq. Where both forms of one exist, the plain one is named. */
struct segment_list {
    struct segment_entry *entry;
    size_t count;
    size_t room;
};

int segment_list_read(int log, struct segment_list *ret_list);
void segment_list_clear(struct segment_list *list);

/* Files beside them that a writer of ours does not make: how many, and the name of one, cut. */
int segment_list_strays(int log, char ret_name[static 64], uint64_t *ret_count);

void segment_name_format(const struct segment_entry *entry, char name[static SEGMENT_NAME_MAX]);
/* False for a name that is not exactly that of a segment. */
bool segment_name_parse(const char *name, struct segment_entry *ret_entry);

/* Its descriptor. `entry` learns when it was packed since it was listed. */
int segment_open(int log, struct segment_entry *entry);

struct segment_file;

int segment_file_open(int log, const struct segment_entry *entry, struct segment_file **ret_file);
/* The descriptor is taken over. */
int segment_file_from(int fd, bool is_compressed, struct segment_file **ret_file);
void segment_file_free(struct segment_file *file);

/*
 * The next piece of at most SEGMENT_BLOCK_BYTES, written to `block`: whole lines, and in the last
 * piece maybe a torn one. Returns its length, 0 at the end; -EBADMSG for a line that fits no piece
 * or compressed bytes that are none.
 */
int64_t segment_file_next(struct segment_file *file, char block[static SEGMENT_BLOCK_BYTES]);

#endif
