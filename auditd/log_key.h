/*
 * The one key of a log: its seed in the keys directory, its public half as DIR/vkey.
 *
 * The log's name (origin) is failcore.local/audit/<32 hex digits>, made once, never used again.
 * A log that has records and no vkey, or a vkey whose seed is not there, is not continued.
 */
#ifndef FAILCORE_AUDITD_LOG_KEY_H
#define FAILCORE_AUDITD_LOG_KEY_H

#include <stdbool.h>

#include "shared/audit/checkpoint.h"
#include "shared/base/failure.h"

struct log_key {
    struct note_key name;
    struct ed25519_key *key;
};

/* `directory`: the audit directory. `is_new`: it has no records yet, so a key may be made. */
int log_key_open(int directory, bool is_new, struct sha256 *sha, struct log_key *ret_key,
                 struct failure *reterr);
void log_key_clear(struct log_key *key);

#endif
