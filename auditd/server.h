/*
 * The log writer's loop: accepts producers, drains their rings, writes, tells them.
 *
 * It polls while there is work, sleeps when there is none (a producer wakes it), and leaves when
 * it has had no producer for a while.
 */
#ifndef FAILCORE_AUDITD_SERVER_H
#define FAILCORE_AUDITD_SERVER_H

#include <stdint.h>

#include "shared/base/failure.h"

struct server;

struct service;
struct keeper;

struct server_options {
    struct service *service;     /* borrowed */
    const struct keeper *keeper; /* the links of the writer before; borrowed */
    int keeper_channel;          /* tells the keeper of links that come and go. Borrowed */
    const char *directory;       /* absolute */
    int directory_fd;            /* locked: this process is the directory's one writer. Borrowed */
    unsigned int idle_exit_ms;
    unsigned int give_up_ms;  /* without producers, a disk that refuses is tried for so long */
    uint64_t segment_bytes;   /* a new segment when this one is so large, */
    uint64_t segment_seconds; /* or so old */
    uint64_t keep_bytes;      /* of closed segments, as they lie on the disk */
    uint64_t keep_seconds;    /* closed segments older than this go */
    uint64_t run_budget;      /* bytes that one run may publish (SR29); 0: by the free space */
    int listener;             /* the service manager's socket; -1: one of our own. Borrowed */
    int watchdog_ms;          /* how often that manager wants to hear of us; -1: not at all */
};

/* Opens the log and takes over what the writer before had. */
int server_new(const struct server_options *options, struct server **ret_server,
               struct failure *reterr);
/* Until idle or until SIGTERM. 0, or a negative errno that nothing but a restart can mend. */
int server_run(struct server *server);
void server_free(struct server *server);

#endif
