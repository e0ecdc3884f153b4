/*
 * What producers are tied to, and what outlives a writer process: the listening socket, the wake
 * descriptor, the state file. Made by the keeper before the first writer; every writer inherits it.
 */
#ifndef FAILCORE_AUDITD_SERVICE_H
#define FAILCORE_AUDITD_SERVICE_H

#include <limits.h>
#include <sys/types.h>

#include "shared/audit/ring.h"
#include "shared/base/failure.h"

#define STATE_LINES 4096U /* rings of all producers together */
#define STATE_BYTES (sizeof(struct writer_state) + STATE_LINES * sizeof(struct ring_state))

struct service {
    char socket_path[PATH_MAX];
    ino_t socket_inode; /* another one under this name is not ours to remove */
    int listener;
    int wake;
    int state_file;
    struct writer_state *state;
    struct ring_state *lines;
};

/* `directory` is absolute, and this process holds its lock. `listener`: a listening socket that
 * stays its owner's, and its name with it; -1: one is made. */
int service_open(struct service *service, const char *directory, int listener,
                 struct failure *reterr);
/* The socket's name goes first: who comes later finds none and starts another writer. */
void service_close(struct service *service);

#endif
