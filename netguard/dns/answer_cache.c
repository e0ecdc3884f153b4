#include "netguard/dns/answer_cache.h"

#include <string.h>

static size_t slot_of(const struct dns_name *name, uint16_t type)
{
    char text[DNS_NAME_TEXT_MAX + 1];
    struct str_view spelt = dns_name_text(name, text);
    uint32_t hash = 2166136261U ^ type;

    for (size_t i = 0; i < spelt.length; i++) {
        hash = (hash ^ (uint8_t)spelt.bytes[i]) * 16777619U;
    }
    return hash % ANSWER_CACHE_SLOTS;
}

void answer_cache_put(struct answer_cache *cache, const struct dns_name *name, uint16_t type,
                      const struct dns_answer *answer, uint64_t now_ms)
{
    struct cached_answer *slot = &cache->slots[slot_of(name, type)];

    slot->name = *name;
    slot->type = type;
    slot->expires_ms = now_ms + (uint64_t)answer->ttl * 1000;
    slot->count = (uint32_t)answer->count;
    memcpy(slot->addresses, answer->addresses, sizeof(slot->addresses));
}

const struct cached_answer *answer_cache_find(const struct answer_cache *cache,
                                              const struct dns_name *name, uint16_t type,
                                              uint64_t now_ms)
{
    const struct cached_answer *slot = &cache->slots[slot_of(name, type)];

    return slot->type == type && slot->expires_ms > now_ms && dns_name_equals(&slot->name, name)
               ? slot
               : NULL;
}
