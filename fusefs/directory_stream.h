/*
 * One opened directory, read in the order of the backing file system.
 *
 * The kernel asks again from any entry of the last answer that its own buffer had no room for, so
 * the last block of getdents64(2) is kept. Positions are the backing file system's own where
 * nothing below can be hidden, and plain counts where something can: the backing positions would
 * tell that an entry was left out (SR19).
 *
 * Threads: the kernel sends one readdir at a time per open directory, but a hostile one need not:
 * each stream has a lock.
 */
#ifndef FAILCORE_FUSEFS_DIRECTORY_STREAM_H
#define FAILCORE_FUSEFS_DIRECTORY_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"

struct directory_stream;

struct directory_entry {
    uint64_t inode;
    unsigned char type;   /* DT_* */
    struct str_view name; /* borrowed until the next call; NUL-terminated */
    uint64_t next;        /* where the entry after this one is */
};

/* True for a name that must not be shown. */
typedef bool (*directory_hides)(void *context, struct str_view name);

/*
 * Borrows the descriptor (opened O_RDONLY | O_DIRECTORY); nobody else may read through it. NULL: no
 * memory. With `hides` (may be NULL) such names are left out and positions are counts. `context`
 * is taken over on success and released with free(3).
 */
struct directory_stream *directory_stream_new(int fd, directory_hides hides, void *context);
void directory_stream_free(struct directory_stream *stream);

void directory_stream_lock(struct directory_stream *stream);
void directory_stream_unlock(struct directory_stream *stream);

/* Goes to a position that an entry gave, or 0. Negative errno. With the lock held. */
int directory_stream_seek(struct directory_stream *stream, uint64_t position);
/* 1 with an entry, 0 at the end, negative errno. With the lock held. */
int directory_stream_next(struct directory_stream *stream, struct directory_entry *ret_entry);

#endif
