/*
 * Judging a log: every record, its order, its chain.
 *
 * Errors: negative errno when the log cannot be read; a log that is read and found changed is a
 * verdict, not an error.
 */
#ifndef FAILCORE_AUDIT_VERIFY_H
#define FAILCORE_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/failure.h"

struct audit_verdict {
    bool intact;
    uint64_t records;
    uint64_t segments;
    uint64_t torn_bytes; /* of a last line that was never finished */
    uint64_t bad_seq;    /* when not intact: the first record that is wrong */
    char why[256];
    char head[65]; /* entry hash of the last good record */
};

/* `path`: an audit directory, or one segment file. */
int audit_verify(const char *path, struct audit_verdict *ret_verdict, struct failure *reterr);

#endif
