/*
 * What the connection mark of a flow says; the ruleset and the verdicts share these bits.
 *
 *     bits 0-6   generation of the policy that the flow was judged by, 1 to 127
 *     bit  7     pending: the name inside was not seen yet
 *     bit  8     inspected: judged, but the server has not acknowledged the judged bytes yet (SR22)
 *
 * A flow with bits 7 and 8 clear is released: the kernel carries it while the generation is in the
 * lease set. The whole word FLOW_MARK_DENIED is a verdict's way to ask for a reset or an ICMP
 * error; no flow ever carries it.
 */
#ifndef FAILCORE_NETGUARD_FLOW_FLOW_MARK_H
#define FAILCORE_NETGUARD_FLOW_FLOW_MARK_H

#include <stdint.h>

#define FLOW_GENERATION_MAX 127U
#define FLOW_MARK_PENDING   0x080U
#define FLOW_MARK_INSPECTED 0x100U
#define FLOW_MARK_MASK      0x1ffU
#define FLOW_MARK_DENIED    0xffffffffU
/* On a packet on its way to the queue: conntrack sees the first packet of a flow. Outside the mask,
 * so that it opens nothing should it ever stay. */
#define FLOW_MARK_NEW 0x10000U
/* On each packet until it is routed: the table has seen it. From the agent, what has not got it is
 * not routed at all (link_route_marked). */
#define FLOW_MARK_SEEN 0x20000U

static inline uint32_t flow_mark_released(uint32_t generation)
{
    return generation;
}

static inline uint32_t flow_mark_pending(uint32_t generation)
{
    return generation | FLOW_MARK_PENDING;
}

static inline uint32_t flow_mark_inspected(uint32_t generation)
{
    return generation | FLOW_MARK_PENDING | FLOW_MARK_INSPECTED;
}

static inline uint32_t flow_generation_next(uint32_t generation)
{
    return generation % FLOW_GENERATION_MAX + 1;
}

#endif
