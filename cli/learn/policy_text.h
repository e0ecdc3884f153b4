/* The learned policy as a file for people: every rule with the records that it came from. */
#ifndef FAILCORE_CLI_LEARN_POLICY_TEXT_H
#define FAILCORE_CLI_LEARN_POLICY_TEXT_H

#include "cli/learn/patterns.h"
#include "shared/audit/run_index.h"

void policy_text_append(struct text_buffer *text, const struct run_entry *run,
                        struct observations *observations, struct patterns *patterns);

#endif
