/*
 * A descriptor that several requests may use at once: closed when the last of them has let go.
 *
 * Ownership: each holder has a reference. Threads: any.
 */
#ifndef FAILCORE_FUSEFS_DESCRIPTOR_H
#define FAILCORE_FUSEFS_DESCRIPTOR_H

#include <stdatomic.h>

struct descriptor {
    atomic_uint references;
    int fd;
    struct descriptor *next_dead; /* the node table's, while it waits to be released */
};

/* Takes the descriptor over, also on failure (NULL: no memory, and fd is closed). */
struct descriptor *descriptor_new(int fd);
struct descriptor *descriptor_ref(struct descriptor *descriptor);
/* NULL is fine. errno is kept. */
void descriptor_unref(struct descriptor *descriptor);
static inline void descriptor_release(struct descriptor **descriptor) /* for AUTO() */
{
    descriptor_unref(*descriptor);
    *descriptor = NULL;
}

#endif
