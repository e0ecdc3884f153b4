/*
 * A producer's tie to the writer of its directory: the socket, the wake descriptor, the writer's
 * state file. When the writer dies another one is found or started and gets the same rings.
 *
 * Threads: attachment_renew() takes the caller's lock; the rest may be read at any time. State
 * files of dead writers stay mapped until attachment_clear(): a thread may just be reading one.
 */
#ifndef FAILCORE_AUDIT_ATTACHMENT_H
#define FAILCORE_AUDIT_ATTACHMENT_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "shared/audit/attach.h"
#include "shared/audit/ring.h"
#include "shared/base/failure.h"

#define ATTACHMENT_WRITERS_MAX 16U /* more have died under this producer: give up */

struct attachment_ring {
    struct ring_producer ring;
    int fd;
};

struct attachment {
    const struct writer_state *_Atomic state;
    _Atomic int wake;
    int socket;
    char directory[PATH_MAX];
    struct attach_hello hello;
    struct {
        void *bytes;
        size_t length;
    } mapping[ATTACHMENT_WRITERS_MAX];
    unsigned int writers; /* mappings in use */
    uint64_t last_renewal_ns;
};

/* The first time; `rings` holds hello.ring_count mapped rings. */
int attachment_make(struct attachment *attachment, struct attachment_ring *rings[],
                    struct failure *reterr);
/*
 * The same in two steps, for who has other things to do while the writer is busy: nothing can be
 * published between them. The second needs no right to connect to anything.
 */
int attachment_ask(struct attachment *attachment, struct attachment_ring *rings[],
                   struct failure *reterr);
int attachment_hear(struct attachment *attachment, struct attachment_ring *rings[],
                    struct failure *reterr);
/* Has the writer hung up? */
bool attachment_is_dead(const struct attachment *attachment);
/* A new writer, if the old one has gone. -EIO: none to be had (now). */
int attachment_renew(struct attachment *attachment, struct attachment_ring *rings[]);
void attachment_wake(const struct attachment *attachment);
void attachment_clear(struct attachment *attachment);

#endif
