/* Base64 of RFC 4648 section 4: the standard alphabet, padded, no line breaks. */
#ifndef FAILCORE_CRYPTO_BASE64_H
#define FAILCORE_CRYPTO_BASE64_H

#include <stddef.h>

#include "shared/base/str_view.h"
#include "shared/base/text_buffer.h"

void base64_append(struct text_buffer *text, const void *bytes, size_t length);

/*
 * Decodes all of `text` into `bytes`, which has `room`. Returns the length; -EBADMSG for anything
 * but the one canonical form, -E2BIG when there is no room.
 */
int base64_decode(struct str_view text, void *bytes, size_t room);

#endif
