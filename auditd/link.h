/*
 * One attached producer: its socket, its rings, its policies.
 *
 * Everything it sends or publishes is hostile until checked; whatever is not what a producer of
 * ours would do ends the link, and the hang-up is that producer's alarm.
 */
#ifndef FAILCORE_AUDITD_LINK_H
#define FAILCORE_AUDITD_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/audit/attach.h"
#include "shared/audit/ring.h"

#define LINK_POLICIES 8U /* kept at once: a thread may lag behind a reload, not behind eight */

struct link_ring {
    struct ring_consumer ring;
    int fd;            /* until the keeper has it */
    uint64_t producer; /* its number in the records */
    uint64_t claimed;  /* the number it says it had; ATTACH_NO_PRODUCER */
    uint64_t next_pseq;
    uint64_t last_mono_ns;    /* of its last record in the log */
    unsigned int folds_taken; /* after its producer's death */
    bool loss_taken;
    bool replaying; /* after a writer's death: what the log has already is passed over */
    bool draining;  /* for a RESULT that waits for its DECISION in another ring */
};

struct link {
    uint64_t id; /* between writer and keeper */
    struct attach_hello hello;
    int socket;
    unsigned int ring_count; /* 0 until HELLO */
    unsigned int rings_mapped;
    struct link_ring *rings;
    unsigned int next_ring; /* whose turn it is: a busy ring starves no other */
    uint32_t first_line;    /* of its rings in the state file */
    uint64_t bytes;         /* of its records */
    bool welcomed;
    bool finished;         /* the producer has gone: drain, then forget */
    bool ledger_said;      /* at its leave or after its producer's death, */
    uint64_t ledger_bytes; /* when it had so many bytes of records */
    uint64_t budget;       /* of its run, as it was when this producer came */
    bool over_budget;
    char run[RUN_ID_MAX];
    char program[PROGRAM_NAME_MAX];
    struct attach_policy policies[LINK_POLICIES]; /* by number modulo LINK_POLICIES */
};

/* Takes the socket over. NULL without memory. */
struct link *link_new(int socket);
void link_free(struct link *link);

/*
 * One message of the handshake. 1: HELLO and all rings are there; 0: go on; -EPROTO and other
 * negative errors: end the link.
 */
int link_receive(struct link *link);

/* The two messages by themselves, for a link that the keeper kept. 1: the last ring. */
int link_take_hello(struct link *link, const struct attach_hello *hello);
int link_take_ring(struct link *link, const struct attach_ring *message, int fd);

/* The policy that a record names, or NULL. */
const struct attach_policy *link_policy_find(const struct link *link, uint32_t number);
/* From the body of a POLICY record: three texts with their NULs. -EBADMSG. */
int link_policy_add(struct link *link, uint32_t number, const char *body, size_t length);

#endif
