/*
 * failcore-mount as a service: one process with privileges mounts, another without serves.
 *
 *     failcore-mount --prepare SOURCE MOUNTPOINT          root: mounts, stores the device, leaves
 *     failcore-mount --stored-session SOURCE MOUNTPOINT   the owner of SOURCE: serves it
 *
 * The service manager carries the device from the one to the other and keeps no copy of it: when
 * the server dies the mount answers ENOTCONN.
 */
#ifndef FAILCORE_FUSEFS_SERVICE_H
#define FAILCORE_FUSEFS_SERVICE_H

#include <stdint.h>

#include "fusefs/server.h"
#include "shared/base/failure.h"
#include "shared/base/service_manager.h"

/* Into the mount namespace of process 1: a service has one of its own, and nobody sees what is
 * mounted there. */
int service_enter_host(struct failure *reterr);

int service_keep_session(int device, struct failure *reterr);
int service_take_session(struct failure *reterr);

void service_ready(const struct server *server);
/* When the manager wants to hear of us again. */
struct service_heartbeat {
    const char *watched; /* our mount; NULL: it is not asked */
    int period_ms;       /* -1: the manager does not want to hear of us */
    int64_t next_ms;
};

struct service_heartbeat service_heartbeat_init(const char *watched);
/* How long to wait at most, for poll(2): `most_ms`, or less when a sign of life is due before. */
int service_patience(const struct service_heartbeat *heartbeat, int most_ms);
/*
 * When it is due: tells the counts, and that we live, but only after a request to our own mount
 * was answered by the threads that answer all others.
 */
void service_heartbeat(struct service_heartbeat *heartbeat, const struct server *server);

#endif
