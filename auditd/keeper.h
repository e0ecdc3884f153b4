/*
 * The parent of the log writer. It holds what a killed writer would take with it: the lock, the
 * listening socket, and each producer's socket and rings. It reads no record and writes no file;
 * when the writer dies it starts another, which goes on from the same rings, and the producers
 * notice nothing; while none can begin, they are refused. When the keeper dies, the writer dies
 * with it.
 */
#ifndef FAILCORE_AUDITD_KEEPER_H
#define FAILCORE_AUDITD_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "auditd/server.h"
#include "shared/audit/attach.h"
#include "shared/base/failure.h"

#define LINKS_MAX 512U

struct keeper_link {
    uint64_t id;
    struct attach_hello hello;
    uint32_t first_line;
    int socket;
    unsigned int ring_count;
    int *ring_fd; /* hello.ring_count of them */
    bool is_welcomed;
};

struct keeper {
    struct keeper_link links[LINKS_MAX];
    unsigned int link_count;
    bool stopping; /* the writer was told to end */
};

/*
 * Serves until the writer ends by itself. `options` needs directory and settings only. In the
 * background standard output and error are let go once the first writer serves.
 */
int keeper_run(struct server_options *options, bool foreground, const char *program,
               struct failure *reterr);

/* The writer's side of the channel. */
int keeper_tell_link(int channel, uint64_t id, uint32_t first_line,
                     const struct attach_hello *hello, int socket);
int keeper_tell_ring(int channel, uint64_t id, uint32_t index, int fd);
/* The producer has its answer: a writer that takes over need not say it again. */
int keeper_tell_welcomed(int channel, uint64_t id);
int keeper_tell_gone(int channel, uint64_t id);

#endif
