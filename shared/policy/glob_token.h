/*
 * The pieces of a glob inside one path component: bytes, ?, *, [classes] and \escapes.
 * Everything is bytes: ? is one byte, and a class holds ASCII only.
 */
#ifndef FAILCORE_POLICY_GLOB_TOKEN_H
#define FAILCORE_POLICY_GLOB_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/str_view.h"

enum glob_token_kind { GLOB_BYTE = 0, GLOB_ANY_BYTE, GLOB_STAR, GLOB_CLASS };

struct byte_set {
    uint64_t bits[4];
};

static inline void byte_set_add(struct byte_set *set, unsigned int byte)
{
    set->bits[byte / 64] |= UINT64_C(1) << (byte % 64);
}

static inline bool byte_set_has(const struct byte_set *set, unsigned int byte)
{
    return (set->bits[byte / 64] >> (byte % 64) & 1) != 0;
}

struct glob_token {
    enum glob_token_kind kind;
    unsigned char byte;  /* GLOB_BYTE */
    struct byte_set set; /* GLOB_CLASS */
};

/*
 * Takes the next token off *rest: 1; 0 at the end; -EINVAL with *reterr_problem, a sentence.
 * A ] at the beginning of a class is a member; ! or ^ before it turns the class around.
 */
int glob_token_next(struct str_view *rest, struct glob_token *ret_token,
                    const char **reterr_problem);

#endif
