/* The valid word that a mistyped one was probably meant to be. */
#ifndef FAILCORE_POLICY_NEAREST_WORD_H
#define FAILCORE_POLICY_NEAREST_WORD_H

#include <stddef.h>

#include "shared/base/str_view.h"

/* NULL when none is near: more than a third of the letters would have to change. */
const char *nearest_word(struct str_view typed, const char *const *words, size_t count);

#endif
