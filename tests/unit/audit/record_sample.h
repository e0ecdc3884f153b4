/*
 * Records as the writer renders them, with contents that a test or a seed chooses. The seq 0 of
 * a sample chain has 64 zeros before it; hashes are the true ones.
 */
#ifndef FAILCORE_TESTS_UNIT_AUDIT_RECORD_SAMPLE_H
#define FAILCORE_TESTS_UNIT_AUDIT_RECORD_SAMPLE_H

#include "shared/audit/record_line.h"

/* Everything about a record that the seed makes up; hostile bytes in every text. */
struct record_sample {
    struct event_record event;
    struct record_context context;
    char bytes[EVENT_TEXT_COUNT][256];
};

void record_sample_random(struct record_sample *sample, uint64_t *seed);
/* The length without the newline. */
size_t record_sample_line(const struct record_sample *sample, char line[static RECORD_LINE_MAX]);

#endif
