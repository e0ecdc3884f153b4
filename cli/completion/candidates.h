/*
 * What may stand at the end of a command line of ours.
 *
 * One candidate a line, "WORD" or "WORD<tab>DESCRIPTION"; and lines for the shell itself to fill
 * in: ":files", ":directories", and ":command N" when word N begins a command that is not ours.
 */
#ifndef FAILCORE_CLI_COMPLETION_CANDIDATES_H
#define FAILCORE_CLI_COMPLETION_CANDIDATES_H

#include <stddef.h>

#include "shared/base/text_buffer.h"

/* words[0] is the program; words[count - 1], maybe "", is the word being typed. count >= 2. */
void candidates_append(struct text_buffer *text, const char *const *words, size_t count);

#endif
