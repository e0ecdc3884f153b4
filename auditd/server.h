/*
 * The log writer's loop: accepts producers, drains their rings, writes, tells them.
 *
 * It polls while there is work, sleeps when there is none (a producer wakes it), and leaves when
 * it has had no producer for a while.
 */
#ifndef FAILCORE_AUDITD_SERVER_H
#define FAILCORE_AUDITD_SERVER_H

#include "shared/base/failure.h"

struct server;

struct server_options {
    const char *directory; /* absolute */
    int directory_fd;      /* locked: this process is the directory's one writer. Borrowed */
    unsigned int idle_exit_ms;
};

/* Opens the log and listens. */
int server_new(const struct server_options *options, struct server **ret_server,
               struct failure *reterr);
/* Until idle or until SIGTERM. 0, or a negative errno that nothing but a restart can mend. */
int server_run(struct server *server);
void server_free(struct server *server);

#endif
