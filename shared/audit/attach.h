/*
 * The words between a producer and the log writer on their SOCK_SEQPACKET socket.
 *
 *     producer: HELLO                          who it is, how many rings, its policy
 *     producer: RING, one descriptor           once per ring: the data file
 *     writer:   WELCOME, two descriptors       the state file, the wake descriptor (eventfd)
 *
 * After that nothing is sent; either side sees the other's death as a hang-up. The writer reads
 * the peer's identity from the kernel (SO_PEERCRED), never from a message.
 */
#ifndef FAILCORE_AUDIT_ATTACH_H
#define FAILCORE_AUDIT_ATTACH_H

#include <stdint.h>

#define ATTACH_MAGIC     0x46436131U
#define ATTACH_VERSION   2U /* of these messages, of struct event_head and of the rings */
#define ATTACH_RINGS_MAX 256U

#define RUN_ID_MAX       64 /* with its NUL */
#define PROGRAM_NAME_MAX 64
#define POLICY_NAME_MAX  256
#define POLICY_HASH_MAX  72

enum attach_kind { ATTACH_HELLO = 1, ATTACH_RING, ATTACH_WELCOME };

struct attach_policy {
    uint32_t number;
    char name[POLICY_NAME_MAX];
    char revision[POLICY_NAME_MAX];
    char hash[POLICY_HASH_MAX];
};

struct attach_hello {
    uint32_t magic, version, kind;
    uint32_t ring_count;
    char run[RUN_ID_MAX];
    char program[PROGRAM_NAME_MAX];
    struct attach_policy policy[2]; /* the one in force, and the one before: records of both may
                                       still lie in the rings */
};

struct attach_ring {
    uint32_t magic, version, kind;
    uint32_t index;
    /* After the writer died: where it was, as its state file last said. The ring is drained from
     * there by the next writer, which knows from the log what it has already. */
    uint64_t consumed;
    uint64_t producer; /* ATTACH_NO_PRODUCER: never had a writer */
};
#define ATTACH_NO_PRODUCER UINT64_MAX

struct attach_welcome {
    uint32_t magic, version, kind;
    uint32_t state_bytes;       /* of the whole state file */
    uint32_t ring_state_offset; /* of the first ring's line; the others follow */
    uint32_t reserved;
};

#endif
