/*
 * The FUSE server: one tree behind one /dev/fuse descriptor.
 *
 * We open and mount the descriptor ourselves, or get it mounted, and give it to the library
 * through its custom I/O, so that mounting and serving can be two privileges, and so that the one
 * reply that has to say more than the library knows (INIT) can be amended on its way.
 *
 * SR5: the server is the only holder of the descriptor. When it dies the kernel answers ENOTCONN.
 */
#ifndef FAILCORE_FUSEFS_SERVER_H
#define FAILCORE_FUSEFS_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fusefs/backing_files.h"
#include "fusefs/request_counts.h"
#include "fusefs/tree.h"
#include "shared/base/failure.h"

struct fuse_session;
struct ring_transport;

struct server_options {
    bool attributes;  /* serve extended attributes */
    bool passthrough; /* let the kernel carry the data of open files */
    bool stacked;     /* SOURCE is a stacked file system itself (overlayfs) */
    unsigned int threads;
};

struct server {
    struct tree *tree;
    struct server_options options;
    struct fuse_session *session;
    int device;
    int started_event;            /* readable once the mount serves */
    int ended_event;              /* readable once it does not any more */
    _Atomic uint64_t init_unique; /* of the INIT request whose reply is amended */
    _Atomic uint32_t offered2;    /* what the kernel offered there, bits 32 and up */
    struct backing_files backing;
    struct ring_transport *rings; /* NULL: requests come by read(2) alone */
    atomic_bool rings_promised;
    struct request_counts counts;
    pthread_t thread;
    bool running;
};

/* Takes the device over. The tree outlives the server. */
int server_init(struct server *server, struct tree *tree, int device,
                const struct server_options *options, struct failure *reterr);
/* Begins to answer requests, in threads of its own. */
int server_start(struct server *server, struct failure *reterr);
/*
 * What the kernel remembers was permitted by another policy: names are asked for again, listings
 * and the data of files that may not be read any more are dropped (SR17). Returns how many files
 * are open that have lost a right and whose data the kernel carries: for those the new policy is
 * not fully in force until they are closed. Not for a thread that serves requests.
 */
unsigned int server_revoke(struct server *server);
/* "LOOKUP 12 OPEN 3 ...": appended to the text. */
void server_print_counts(const struct server *server, struct text_buffer *text);
/* "requests over io_uring, data by the kernel", and why not. */
const char *server_transport(const struct server *server);
const char *server_data_path(const struct server *server);

/* True once the kernel has ended the connection; waits for that at most so long. */
bool server_wait(const struct server *server, int timeout_ms);
/* For a process that ends at once, whether the connection has ended or not: nothing is freed. */
void server_leave(struct server *server);
/* After the session has ended (or to end it at once): joins the threads and releases. */
void server_clear(struct server *server);

#endif
