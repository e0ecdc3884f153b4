/*
 * Requests over io_uring instead of read(2) and write(2) on the device: one thread and one ring per
 * CPU, so that a request is answered where it was asked and costs one system call.
 *
 * The kernel offers it when its fuse module's enable_uring is set (never by us, SR32). FORGET,
 * INTERRUPT and whatever comes before the rings are ready still arrive by read(2).
 *
 * Each ring takes nothing but commands on the device descriptor: restricted before it is enabled
 * (SR15).
 *
 * Ownership: ring_transport_new() makes rings and buffers, so that the promise in INIT is made only
 * when it can be kept. Threads: start and free are the main thread's; put is for ring threads.
 */
#ifndef FAILCORE_FUSEFS_RING_TRANSPORT_H
#define FAILCORE_FUSEFS_RING_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct fuse_session;
struct request_counts;
struct ring_transport;

/* How many threads there would be; 0: none can be. */
unsigned int ring_transport_threads(void);

/* -ENOMEM, -ENOSYS, -EPERM: requests come by read(2) then. */
int ring_transport_new(struct fuse_session *session, int device, struct request_counts *counts,
                       struct ring_transport **ret_rings);
/* After INIT's reply said so; `payload` is the largest request or reply. */
int ring_transport_start(struct ring_transport *rings, size_t payload);
/* After the connection has ended. NULL is fine. */
void ring_transport_free(struct ring_transport *rings);

/* True when the reply belongs to the request that this thread is serving from its ring. */
bool ring_transport_put(const struct iovec *parts, int count);

#endif
