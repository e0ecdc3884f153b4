/*
 * The flows that the guard has let begin, as far as it still has to know about them: the name it
 * waits for, the bytes it has judged, and, for a flow that the kernel carries, whose it is: for the
 * next policy, for the status and for the record of its end.
 *
 * Bounded (SR11): when the table is full a new flow is refused, and since no flow begins without a
 * verdict, that is the bound of the agent's connections (SR26).
 *
 * Ownership: the table owns its flows; a pointer is good until the flow is removed.
 * Threads: one at a time.
 */
#ifndef FAILCORE_NETGUARD_FLOW_FLOW_TABLE_H
#define FAILCORE_NETGUARD_FLOW_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netguard/flow/held_stream.h"
#include "netguard/flow/packet_queue.h"
#include "shared/base/ip_address.h"
#include "shared/policy/policy.h"

#define FLOWS_MAX       16384U
#define FLOWS_HELD_MAX  256U /* with a stream: 18 KiB each */
#define FLOW_PACKETS    48U  /* held packets of one flow */
#define FLOW_HOLD_MS    3000U
#define FLOW_NAME_BYTES 254U

struct flow_key {
    struct ip_address agent, remote;
    uint16_t agent_port, remote_port;
    enum net_protocol protocol;
};

enum flow_state {
    FLOW_NONE = 0,  /* not judged yet: nothing passes */
    FLOW_NAMELESS,  /* may connect; the name inside has not come yet */
    FLOW_INSPECTED, /* the name is right; the server has not acknowledged it yet */
    FLOW_RELEASED,  /* the kernel's */
};

struct flow {
    struct flow *next_in_bucket;
    struct flow *held_before, *held_after;
    struct flow_key key;
    enum flow_state state;
    enum name_check check;
    uint32_t generation;
    uint32_t first_byte; /* sequence number of the first byte of data */
    uint64_t ticket;     /* of the record that let it begin */
    uint64_t began_ms;
    uint64_t held_since_ms; /* 0: nothing is held */
    size_t judged_bytes;
    uint64_t bytes_out, bytes_in;           /* when it was last counted */
    struct held_stream *stream;             /* NULL before the first data and after release */
    struct packet_place held[FLOW_PACKETS]; /* packets without a verdict */
    size_t held_count;
    char name[FLOW_NAME_BYTES]; /* it was judged by; "" for an address rule */
    char sni[FLOW_NAME_BYTES];  /* found inside; "" when not looked for */
};

struct flow_table;

struct flow_table *flow_table_new(void);
void flow_table_free(struct flow_table *table);

struct flow *flow_table_find(const struct flow_table *table, const struct flow_key *key);
/* Whether one of that key can be added. */
bool flow_table_has_room(const struct flow_table *table, const struct flow_key *key);
/* In place of one of the same key. NULL: full, or no memory. */
struct flow *flow_table_add(struct flow_table *table, const struct flow_key *key);
void flow_table_remove(struct flow_table *table, struct flow *flow);

/* Gives the flow a stream. False: too many flows are held, or no memory. */
bool flow_table_hold(struct flow_table *table, struct flow *flow, uint64_t now_ms);
/* The stream is not needed any more. */
void flow_table_release(struct flow_table *table, struct flow *flow);

/* The first of the flows with a stream; the next one is flow->held_after. */
struct flow *flow_table_first_held(const struct flow_table *table);
size_t flow_table_count(const struct flow_table *table);
size_t flow_table_held(const struct flow_table *table);

/* Each flow once, in no order; `each` returns false to stop. Nothing may be added or removed. */
typedef bool flow_handler(void *context, struct flow *flow);
void flow_table_each(const struct flow_table *table, flow_handler *each, void *context);
/*
 * A part of them, beginning where the last walk with this place has ended: whole buckets, until
 * there were `enough` flows or each was there once. A place begins as 0.
 */
void flow_table_walk(const struct flow_table *table, size_t *place, size_t enough,
                     flow_handler *each, void *context);

#endif
