#include "shared/policy/pair_map.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAIR_CACHE_PROBES 16

static uint64_t hash_bytes(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15) ^ length;

    while (length >= 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        hash = hash_mix(hash ^ word);
        at += 8;
        length -= 8;
    }
    if (length > 0) {
        uint64_t word = 0;

        memcpy(&word, at, length);
        hash = hash_mix(hash ^ word);
    }
    return hash;
}

/* The entry that has the key, or the free one where it belongs. */
static struct pair_entry *find_entry(const struct pair_map *map, uint64_t key)
{
    size_t at = (size_t)hash_mix(key) & (map->capacity - 1);

    while (map->entries[at].used && map->entries[at].key != key) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->entries[at];
}

bool pair_map_find(const struct pair_map *map, uint64_t key, uint32_t *ret_value)
{
    const struct pair_entry *entry;

    if (map->count == 0) {
        return false;
    }
    entry = find_entry(map, key);
    if (!entry->used) {
        return false;
    }
    *ret_value = entry->value;
    return true;
}

int pair_map_set(struct pair_map *map, uint64_t key, uint32_t value)
{
    struct pair_entry *entry;

    if (map->count * 4 >= map->capacity * 3) {
        struct pair_map larger = {.capacity = map->capacity == 0 ? 16 : map->capacity * 2};

        larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
        if (larger.entries == NULL) {
            return -ENOMEM;
        }
        for (size_t i = 0; i < map->capacity; i++) {
            if (map->entries[i].used) {
                *find_entry(&larger, map->entries[i].key) = map->entries[i];
            }
        }
        larger.count = map->count;
        free(map->entries);
        *map = larger;
    }
    entry = find_entry(map, key);
    map->count += entry->used ? 0 : 1;
    *entry = (struct pair_entry){.key = key, .value = value, .used = true};
    return 0;
}

void pair_map_clear(struct pair_map *map)
{
    free(map->entries);
    *map = (struct pair_map){0};
}

static struct text_entry *find_text(const struct text_map *map, struct str_view text)
{
    size_t at = (size_t)hash_bytes(text.bytes, text.length) & (map->capacity - 1);

    while (map->entries[at].text.bytes != NULL && !str_view_equals(map->entries[at].text, text)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->entries[at];
}

bool text_map_find(const struct text_map *map, struct str_view text, uint32_t *ret_value)
{
    const struct text_entry *entry;

    if (map->count == 0) {
        return false;
    }
    entry = find_text(map, text);
    if (entry->text.bytes == NULL) {
        return false;
    }
    *ret_value = entry->value;
    return true;
}

int text_map_add(struct text_map *map, struct str_view text, uint32_t value)
{
    if (map->count * 4 >= map->capacity * 3) {
        struct text_map larger = {.capacity = map->capacity == 0 ? 16 : map->capacity * 2};

        larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
        if (larger.entries == NULL) {
            return -ENOMEM;
        }
        for (size_t i = 0; i < map->capacity; i++) {
            if (map->entries[i].text.bytes != NULL) {
                *find_text(&larger, map->entries[i].text) = map->entries[i];
            }
        }
        larger.count = map->count;
        free(map->entries);
        *map = larger;
    }
    *find_text(map, text) = (struct text_entry){.text = text, .value = value};
    map->count++;
    return 0;
}

void text_map_clear(struct text_map *map)
{
    free(map->entries);
    *map = (struct text_map){0};
}

int pair_cache_init(struct pair_cache *cache, size_t capacity)
{
    /* Mapped, not allocated: pages that are never touched cost neither memory nor time. */
    void *mapped = mmap(NULL, capacity * sizeof(*cache->entries), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (mapped == MAP_FAILED) {
        return -ENOMEM;
    }
    cache->entries = mapped;
    cache->capacity = capacity;
    cache->count = 0;
    return 0;
}

void pair_cache_clear(struct pair_cache *cache)
{
    if (cache->entries != NULL) {
        munmap((void *)(uintptr_t)cache->entries, cache->capacity * sizeof(*cache->entries));
    }
    *cache = (struct pair_cache){0};
}

static uint64_t cache_key(uint32_t a, uint32_t b)
{
    return (uint64_t)a << PAIR_CACHE_B_BITS | b;
}

bool pair_cache_find(const struct pair_cache *cache, uint32_t a, uint32_t b, uint32_t *ret_value)
{
    uint64_t key = cache_key(a, b);
    size_t at = (size_t)hash_mix(key) & (cache->capacity - 1);

    for (size_t probe = 0; probe < PAIR_CACHE_PROBES; probe++) {
        uint64_t entry = atomic_load_explicit(&cache->entries[at], memory_order_acquire);

        if (entry == 0) {
            return false;
        }
        if (entry >> (PAIR_CACHE_VALUE_BITS + 1) == key) {
            *ret_value = (uint32_t)(entry >> 1) & ((UINT32_C(1) << PAIR_CACHE_VALUE_BITS) - 1);
            return true;
        }
        at = (at + 1) & (cache->capacity - 1);
    }
    return false;
}

bool pair_cache_add(struct pair_cache *cache, uint32_t a, uint32_t b, uint32_t value)
{
    uint64_t key = cache_key(a, b);
    size_t at = (size_t)hash_mix(key) & (cache->capacity - 1);

    if (a >> PAIR_CACHE_A_BITS != 0 || b >> PAIR_CACHE_B_BITS != 0 ||
        value >> PAIR_CACHE_VALUE_BITS != 0) {
        return false;
    }
    for (size_t probe = 0; probe < PAIR_CACHE_PROBES; probe++) {
        uint64_t entry = atomic_load_explicit(&cache->entries[at], memory_order_relaxed);

        if (entry != 0 && entry >> (PAIR_CACHE_VALUE_BITS + 1) == key) {
            return true;
        }
        if (entry == 0) {
            /* The lowest bit tells a used entry from a free one. */
            entry = key << (PAIR_CACHE_VALUE_BITS + 1) | (uint64_t)value << 1 | 1;
            atomic_store_explicit(&cache->entries[at], entry, memory_order_release);
            cache->count++;
            return true;
        }
        at = (at + 1) & (cache->capacity - 1);
    }
    return false;
}
