/* How many requests of each kind have come, whichever way they came. */
#ifndef FAILCORE_FUSEFS_REQUEST_COUNTS_H
#define FAILCORE_FUSEFS_REQUEST_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#define REQUEST_KINDS 64

struct request_counts {
    _Atomic uint64_t by_opcode[REQUEST_KINDS]; /* what is beyond counts as 0, which is none */
};

static inline void request_counts_add(struct request_counts *counts, uint32_t opcode)
{
    atomic_fetch_add_explicit(&counts->by_opcode[opcode < REQUEST_KINDS ? opcode : 0], 1,
                              memory_order_relaxed);
}

#endif
