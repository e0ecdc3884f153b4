/*
 * The small signed files of a log's directory: its verifier key and its checkpoint.
 *
 * Nothing that lies there is waited for: a pipe or a device in the place of a file is refused.
 *
 * Errors: negative errno, with its words in *reterr. Threads: any, each with its own sha.
 */
#ifndef FAILCORE_AUDIT_SIGNED_HEAD_H
#define FAILCORE_AUDIT_SIGNED_HEAD_H

#include "shared/audit/checkpoint.h"
#include "shared/base/failure.h"
#include "shared/base/text_buffer.h"
#include "shared/crypto/sha256.h"

/* The key to trust: of the file or text `key`, or of the log when NULL. */
int audit_key_read(int directory, const char *key, struct sha256 *sha, struct note_key *ret_key,
                   struct failure *reterr);

/* A note from a file below `directory` (AT_FDCWD: anywhere). */
int audit_note_read(int directory, const char *path, struct text_buffer *note,
                    struct failure *reterr);

/* The log's newest signed head and, in `note`, the bytes that say so. -EBADMSG, -EKEYREJECTED: not
 * signed by that key. */
int audit_head_read(int directory, const struct note_key *key, struct text_buffer *note,
                    struct checkpoint *ret_head, struct failure *reterr);

#endif
