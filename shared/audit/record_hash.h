/*
 * The entry hash of a record: SHA-256(0x00, its line up to the tail, "}}"). The tail holds the hash
 * itself. The first byte makes it a leaf of the tree as well (RFC 6962 section 2.1).
 */
#ifndef FAILCORE_AUDIT_RECORD_HASH_H
#define FAILCORE_AUDIT_RECORD_HASH_H

#include "shared/base/str_view.h"
#include "shared/crypto/sha256.h"

/* The end of every line: ,"entry_hash":"<64 hex>"}} and a newline. */
#define RECORD_TAIL_BEGIN ",\"entry_hash\":\""
#define RECORD_TAIL_SIZE  (sizeof(RECORD_TAIL_BEGIN) - 1 + 64 + 3 + 1)

/* Of a line that has no tail yet. -EIO when the digest fails. */
int record_hash_body(struct sha256 *sha, const char *line, size_t length,
                     uint8_t ret_hash[static SHA256_SIZE]);

/* Of a line without its newline. -EBADMSG when it has no tail, -EIO. */
int record_hash(struct str_view line, struct sha256 *sha, uint8_t ret_hash[static SHA256_SIZE]);
/* Of two lines in the time of one. A line without a tail has the hash of no record. -EIO. */
int record_hash_two(const struct str_view line[static 2], struct sha256 *sha,
                    uint8_t ret_hash[static 2][SHA256_SIZE]);

#endif
