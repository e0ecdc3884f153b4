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
#define ATTACH_VERSION   1U /* of these messages, of struct event_head and of the rings */
#define ATTACH_RINGS_MAX 256U

#define RUN_ID_MAX       64 /* with its NUL */
#define PROGRAM_NAME_MAX 64
#define POLICY_NAME_MAX  256
#define POLICY_HASH_MAX  72

enum attach_kind { ATTACH_HELLO = 1, ATTACH_RING, ATTACH_WELCOME };

struct attach_hello {
    uint32_t magic, version, kind;
    uint32_t ring_count;
    char run[RUN_ID_MAX];
    char program[PROGRAM_NAME_MAX];
    char policy_name[POLICY_NAME_MAX];
    char policy_revision[POLICY_NAME_MAX];
    char policy_hash[POLICY_HASH_MAX];
};

struct attach_ring {
    uint32_t magic, version, kind;
    uint32_t index;
};

struct attach_welcome {
    uint32_t magic, version, kind;
    uint32_t state_bytes;       /* of the whole state file */
    uint32_t ring_state_offset; /* of the first ring's line; the others follow */
    uint32_t reserved;
    uint64_t first_producer; /* number of the first ring in the records; the others follow */
};

#endif
