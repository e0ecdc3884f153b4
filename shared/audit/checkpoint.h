/*
 * A signed tree head: C2SP tlog-checkpoint inside C2SP signed-note, one Ed25519 signature.
 *
 *     <origin>\n<size>\n<base64 root>\n\n— <origin> <base64 of key id and signature>\n
 *
 * The verifier key ("vkey") is <origin>+<8 hex key id>+<base64 of 0x01 and the public key>.
 * Nothing is believed of a note before its signature has been verified with a key that was known.
 */
#ifndef FAILCORE_AUDIT_CHECKPOINT_H
#define FAILCORE_AUDIT_CHECKPOINT_H

#include <stdint.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"
#include "shared/crypto/ed25519.h"
#include "shared/crypto/sha256.h"

#define ORIGIN_MAX     128
#define CHECKPOINT_MAX 4096U /* a note that we read; other signatures may stand beside ours */

struct checkpoint {
    char origin[ORIGIN_MAX];
    uint64_t size;
    uint8_t root[SHA256_SIZE];
};

struct note_key {
    char name[ORIGIN_MAX];
    uint8_t id[4];
    uint8_t public_key[ED25519_PUBLIC_SIZE];
};

int note_key_make(const char *name, const uint8_t public_key[static ED25519_PUBLIC_SIZE],
                  struct sha256 *sha, struct note_key *ret_key);
/* "NAME+HEX+BASE64" and maybe a newline. -EBADMSG, also for an id that is not the key's. */
int note_key_parse(struct str_view text, struct sha256 *sha, struct note_key *ret_key);
void note_key_append(struct text_buffer *text, const struct note_key *key);

/* The whole note. */
int checkpoint_sign(const struct checkpoint *checkpoint, const struct note_key *name,
                    const struct ed25519_key *key, struct text_buffer *note);

/* -EBADMSG: not a checkpoint. -EKEYREJECTED: no valid signature of that key. */
int checkpoint_open(struct str_view note, const struct note_key *key,
                    struct checkpoint *ret_checkpoint);

#endif
