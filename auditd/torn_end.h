/*
 * The line that a killed writer did not finish: kept in recovered/, then cut off. On a full disk
 * there may be no room to keep it: then it stays where it is, nothing is written behind it, and
 * the next write tries again.
 *
 * Ownership: torn_end_clear() frees what is held. {0} holds nothing. Errors: negative errno.
 */
#ifndef FAILCORE_AUDITD_TORN_END_H
#define FAILCORE_AUDITD_TORN_END_H

#include <stdint.h>

#include "shared/base/text_buffer.h"

struct torn_end {
    struct text_buffer text;
    uint64_t seq; /* the record that it would have been */
};

/* `segment` ends with it, behind `segment_bytes` of whole lines. 0: there is none any more. */
int torn_end_settle(struct torn_end *torn, int recovered, int segment, uint64_t segment_bytes);

void torn_end_clear(struct torn_end *torn);

#endif
