/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef FAILCORE_BASE_UTF8_H
#define FAILCORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/str_view.h"

/* Bytes of the character at `bytes` (1 to 4), or 0 when none begins there within `left` bytes. */
size_t utf8_sequence_length(const char *bytes, size_t left);

bool utf8_is_valid(struct str_view text);

#endif
