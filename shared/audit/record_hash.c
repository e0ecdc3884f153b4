#include "shared/audit/record_hash.h"

#include <errno.h>

#include "shared/crypto/sha256_pair.h"

#define LEAF 0x00 /* RFC 6962 section 2.1 */

int record_hash_body(struct sha256 *sha, const char *line, size_t length,
                     uint8_t ret_hash[static SHA256_SIZE])
{
    static const uint8_t leaf = LEAF;

    if (sha256_begin(sha) < 0 || sha256_add(sha, &leaf, 1) < 0 ||
        sha256_add(sha, line, length) < 0 || sha256_add(sha, "}}", 2) < 0) {
        return -EIO;
    }
    return sha256_end(sha, ret_hash);
}

static bool has_tail(struct str_view line)
{
    const size_t tail = RECORD_TAIL_SIZE - 1;

    return line.length >= tail && memcmp(line.bytes + line.length - tail, RECORD_TAIL_BEGIN,
                                         sizeof(RECORD_TAIL_BEGIN) - 1) == 0;
}

int record_hash(struct str_view line, struct sha256 *sha, uint8_t ret_hash[static SHA256_SIZE])
{
    return has_tail(line)
               ? record_hash_body(sha, line.bytes, line.length - (RECORD_TAIL_SIZE - 1), ret_hash)
               : -EBADMSG;
}

int record_hash_two(const struct str_view line[static 2], struct sha256 *sha,
                    uint8_t ret_hash[static 2][SHA256_SIZE])
{
    struct sha256_text text[2];

    for (unsigned int i = 0; i < 2; i++) {
        text[i] = (struct sha256_text){
            .first = LEAF,
            .bytes = line[i].bytes,
            .length = has_tail(line[i]) ? line[i].length - (RECORD_TAIL_SIZE - 1) : 0,
            .ending = "}}",
            .ending_length = 2,
        };
    }
    return sha256_pair(sha, text, ret_hash);
}
