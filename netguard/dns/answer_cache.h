/*
 * Answers that were heard a moment ago. Fixed size: a new answer takes the place of whatever had
 * its slot. Repeats of a question are not sent again, which also leaves less to signal with.
 */
#ifndef FAILCORE_NETGUARD_DNS_ANSWER_CACHE_H
#define FAILCORE_NETGUARD_DNS_ANSWER_CACHE_H

#include "netguard/dns/dns_message.h"

#define ANSWER_CACHE_SLOTS 512U

struct cached_answer {
    struct dns_name name;
    uint16_t type;
    uint64_t expires_ms;
    uint32_t count;
    struct ip_address addresses[DNS_ADDRESSES_MAX];
};

struct answer_cache {
    struct cached_answer slots[ANSWER_CACHE_SLOTS];
};

void answer_cache_put(struct answer_cache *cache, const struct dns_name *name, uint16_t type,
                      const struct dns_answer *answer, uint64_t now_ms);
/* NULL: not there, or too old. */
const struct cached_answer *answer_cache_find(const struct answer_cache *cache,
                                              const struct dns_name *name, uint16_t type,
                                              uint64_t now_ms);

#endif
