/*
 * Compresses closed segments in a thread of its own: written beside, synced, renamed, and only
 * then is the plain form removed. What fails stays as it is and is tried at the next start.
 */
#ifndef FAILCORE_AUDITD_COMPRESSOR_H
#define FAILCORE_AUDITD_COMPRESSOR_H

#include <stdint.h>

struct compressor;

/* `log` is borrowed: a descriptor of log/. NULL without memory. */
struct compressor *compressor_new(int log);
/* Ends after the segment that is being compressed. */
void compressor_free(struct compressor *compressor);

void compressor_add(struct compressor *compressor, uint64_t first_seq);

/* In between, no packed segment is put in place: whoever removes both forms of one has removed it.
 */
void compressor_pause(struct compressor *compressor);
void compressor_resume(struct compressor *compressor);

#endif
