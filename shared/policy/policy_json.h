/* The same policy as JSON: what policy_print() writes, converted node by node. */
#ifndef FAILCORE_POLICY_POLICY_JSON_H
#define FAILCORE_POLICY_POLICY_JSON_H

#include "shared/base/failure.h"
#include "shared/base/text_buffer.h"

/* One line and its newline. -EINVAL for a text that document_parse() refuses, -ENOMEM. */
int policy_text_to_json(struct str_view yaml, struct text_buffer *text, struct failure *reterr);

#endif
