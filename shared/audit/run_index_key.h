/*
 * The key that a stored run index is authenticated with: 32 random bytes beside the log's own key,
 * in a file of their own. Who can write the audit directory alone cannot make an index that is
 * believed; and no program that reads a log has to hold the key that signs it.
 */
#ifndef FAILCORE_AUDIT_RUN_INDEX_KEY_H
#define FAILCORE_AUDIT_RUN_INDEX_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/crypto/hmac_sha256.h"

/*
 * The key for the log in `directory`, by the name in its vkey. With `make` it is made when there is
 * none. False: there is none, or one that another user could have written or read. The caller
 * wipes it.
 */
bool run_index_key(const char *directory, bool make, uint8_t ret_key[static HMAC_SHA256_KEY_SIZE]);

#endif
