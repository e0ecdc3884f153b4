/* What a guard says of itself: one JSON object. */
#ifndef FAILCORE_NETGUARD_STATUS_H
#define FAILCORE_NETGUARD_STATUS_H

#include "netguard/guard.h"
#include "shared/base/text_buffer.h"

#define STATUS_FLOWS_MAX 512U /* flows.known says how many there are */

void status_write(struct guard *guard, struct text_buffer *text);

#endif
