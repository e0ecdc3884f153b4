/*
 * How much information the new part of a name may carry, as
 * network.dns.budget.entropy_bits_per_hour counts it: for each label its length times the Shannon
 * entropy of its letters, and at least one bit a letter. The same name always counts the same, on
 * every machine.
 *
 * It is an estimate that tells words from codes ("api" 4.8 bits, 32 random letters and digits about
 * 148), not a bound: short codes count for less than they hold. Bounds are the budgets of bytes and
 * of different names.
 */
#ifndef FAILCORE_NETGUARD_DNS_LABEL_ENTROPY_H
#define FAILCORE_NETGUARD_DNS_LABEL_ENTROPY_H

#include <stdint.h>

#include "shared/base/str_view.h"

#define LABEL_ENTROPY_BIT 256U /* the unit of what is returned: a 256th of a bit */

/* Of all labels of `text` ("x.y"); longer ones than DNS has count as several. */
uint64_t label_entropy(struct str_view text);

#endif
