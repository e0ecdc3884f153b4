/*
 * What the parts of the log writer share: the loop (server.c), the producers that come and go
 * (producers.c), and the care for the files (housekeeping.c). One thread.
 */
#ifndef FAILCORE_AUDITD_WRITER_H
#define FAILCORE_AUDITD_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "auditd/drain.h"
#include "auditd/keeper.h"
#include "auditd/link.h"
#include "auditd/log_store.h"
#include "auditd/reserve.h"
#include "auditd/server.h"
#include "auditd/service.h"
#include "shared/audit/producer_book.h"
#include "shared/audit/ring.h"

struct server {
    struct server_options options;
    struct service *service;
    int signals;
    struct writer_state *state;
    struct ring_state *lines;
    bool line_used[STATE_LINES];
    struct link *links[LINKS_MAX];
    unsigned int link_count;
    uint64_t next_link_id;
    struct drain drain;
    struct producer_book book; /* producers that are not attached now */
    uint64_t next_producer;    /* numbers are never given twice in one log */
    uint64_t last_work_ms;
    uint64_t last_link_ms;
    uint64_t last_live_ms; /* when there was last a producer that had not gone */
    uint64_t last_checkpoint_ms;
    uint64_t segment_since_ms;
    uint64_t retry_at_ms;
    uint64_t next_sign_ms; /* of life (sign_of_life.h) */
    struct reserve reserve;
    int unwritten; /* the file of unwritten.h */
    bool backlog;  /* a ring had more than its turn */
    bool unsynced;
    bool sign_wanted; /* a producer has gone, and some of its records are not signed */
    bool broken;      /* the disk lost something that was written: nothing more is recorded */
    bool stopping;
};

/* ---- producers.c ---- */

void producers_accept(struct server *server);
/* A producer whose writer died: the same socket, rings and lines. */
int producers_restore(struct server *server, const struct keeper_link *kept);
void producers_message(struct server *server, struct link *link);
/* The producer has gone and everything of it is written. */
void producers_forget(struct server *server, unsigned int index);
/* Hostile or broken: recorded, and hung up on. */
void producers_condemn(struct server *server, struct link *link);
/* Consumed and durable positions into the state file; who waits is woken. */
void producers_tell(struct server *server, bool durable);
/* Does a ring hold anything that is not taken? */
bool producers_have_work(const struct server *server);
/* Holds runs to their share of the log (SR29). */
void producers_hold_budget(struct server *server);

/* ---- housekeeping.c ---- */

/* For log_store_open(): fills book and tickets. */
void housekeeping_on_line(void *context, const struct segment_line *line);
/* Writes, syncs, signs, rotates and prunes, as it is time. The writer's condition follows. */
void housekeeping_round(struct server *server);
/* The LEDGER of one that leaves or has gone, unless it was said already. */
int housekeeping_farewell(struct server *server, struct link *link);

#endif
