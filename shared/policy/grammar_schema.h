/* The grammar as JSON Schema (2020-12), for editors and for whoever writes policies by program. */
#ifndef FAILCORE_POLICY_GRAMMAR_SCHEMA_H
#define FAILCORE_POLICY_GRAMMAR_SCHEMA_H

#include "shared/base/text_buffer.h"

void grammar_schema_print(struct text_buffer *text);

#endif
