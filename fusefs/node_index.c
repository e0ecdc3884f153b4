#include "fusefs/node_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024u

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ value >> 33;
}

static uint32_t identity_hash(const struct node_identity *identity)
{
    return (uint32_t)mix(identity->inode ^ mix(identity->device) ^
                         (uint64_t)identity->born_nanoseconds << 20);
}

/* FNV-1a, begun with the directory's number. */
uint32_t node_index_name_hash(const struct node *directory, struct str_view name)
{
    uint64_t hash = mix(directory->id) ^ 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < name.length; i++) {
        hash = (hash ^ (unsigned char)name.bytes[i]) * 0x100000001b3ULL;
    }
    return (uint32_t)mix(hash);
}

int node_index_init(struct node_table *table)
{
    table->identity_buckets = FIRST_BUCKETS;
    table->name_buckets = FIRST_BUCKETS;
    table->by_identity = calloc(FIRST_BUCKETS, sizeof(struct node *));
    table->by_name = calloc(FIRST_BUCKETS, sizeof(struct dentry *));
    return table->by_identity == NULL || table->by_name == NULL ? -ENOMEM : 0;
}

void node_index_clear(struct node_table *table)
{
    for (uint32_t i = 0; i < NODE_SLOTS_CHUNKS; i++) {
        free(table->chunks[i]);
        free(table->generations[i]);
    }
    free(table->free_slots);
    free(table->by_identity);
    free(table->by_name);
}

static int slot_take(struct node_table *table, uint32_t *ret_slot)
{
    uint32_t chunk;

    if (table->free_count > 0) {
        *ret_slot = table->free_slots[--table->free_count];
        return 0;
    }
    if (table->slots_used >= table->limit + NODE_FIRST_ID || table->slots_used >= NODE_LIMIT) {
        return -ENFILE;
    }
    chunk = table->slots_used / NODE_SLOTS_CHUNK;
    if (table->chunks[chunk] == NULL) {
        struct node **nodes = calloc(NODE_SLOTS_CHUNK, sizeof(struct node *));
        uint32_t *generations = calloc(NODE_SLOTS_CHUNK, sizeof(uint32_t));
        uint32_t capacity = table->free_capacity + NODE_SLOTS_CHUNK;
        uint32_t *grown = realloc(table->free_slots, capacity * sizeof(uint32_t));

        if (grown != NULL) {
            /* Room for every slot, so that giving one back never needs memory. */
            table->free_slots = grown;
            table->free_capacity = capacity;
        }
        if (nodes == NULL || generations == NULL || grown == NULL) {
            free(nodes);
            free(generations);
            return -ENOMEM;
        }
        table->chunks[chunk] = nodes;
        table->generations[chunk] = generations;
    }
    *ret_slot = table->slots_used++;
    return 0;
}

static void slot_give_back(struct node_table *table, uint32_t slot)
{
    table->chunks[slot / NODE_SLOTS_CHUNK][slot % NODE_SLOTS_CHUNK] = NULL;
    table->generations[slot / NODE_SLOTS_CHUNK][slot % NODE_SLOTS_CHUNK]++;
    table->free_slots[table->free_count++] = slot;
}

struct node *node_index_at(const struct node_table *table, uint32_t slot)
{
    struct node **chunk = slot < table->slots_used ? table->chunks[slot / NODE_SLOTS_CHUNK] : NULL;

    return chunk == NULL ? NULL : chunk[slot % NODE_SLOTS_CHUNK];
}

struct node *node_index_find_number(const struct node_table *table, uint64_t id)
{
    struct node *node = node_index_at(table, (uint32_t)id);

    return node != NULL && node->id == id ? node : NULL;
}

static void grow_identities(struct node_table *table)
{
    uint32_t buckets = table->identity_buckets * 2;
    struct node **grown = calloc(buckets, sizeof(struct node *));

    if (grown == NULL) {
        return; /* longer chains, same answers */
    }
    for (uint32_t i = 0; i < table->identity_buckets; i++) {
        struct node *next;

        for (struct node *node = table->by_identity[i]; node != NULL; node = next) {
            struct node **bucket = &grown[identity_hash(&node->identity) & (buckets - 1)];

            next = node->hash_next;
            node->hash_next = *bucket;
            *bucket = node;
        }
    }
    free(table->by_identity);
    table->by_identity = grown;
    table->identity_buckets = buckets;
}

static void grow_names(struct node_table *table)
{
    uint32_t buckets = table->name_buckets * 2;
    struct dentry **grown = calloc(buckets, sizeof(struct dentry *));

    if (grown == NULL) {
        return;
    }
    for (uint32_t i = 0; i < table->name_buckets; i++) {
        struct dentry *next;

        for (struct dentry *dentry = table->by_name[i]; dentry != NULL; dentry = next) {
            struct dentry **bucket = &grown[dentry->hash & (buckets - 1)];

            next = dentry->hash_next;
            dentry->hash_next = *bucket;
            *bucket = dentry;
        }
    }
    free(table->by_name);
    table->by_name = grown;
    table->name_buckets = buckets;
}

struct node *node_index_find(const struct node_table *table, const struct node_identity *identity)
{
    struct node *node = table->by_identity[identity_hash(identity) & (table->identity_buckets - 1)];

    while (node != NULL && !node_identity_equals(&node->identity, identity)) {
        node = node->hash_next;
    }
    return node;
}

struct dentry *node_index_find_name(const struct node_table *table, const struct node *directory,
                                    struct str_view name)
{
    uint32_t hash = node_index_name_hash(directory, name);
    struct dentry *dentry = table->by_name[hash & (table->name_buckets - 1)];

    while (dentry != NULL &&
           (dentry->hash != hash || dentry->directory != directory ||
            dentry->length != name.length || memcmp(dentry->name, name.bytes, name.length) != 0)) {
        dentry = dentry->hash_next;
    }
    return dentry;
}

int node_index_add(struct node_table *table, struct node *node)
{
    struct node **bucket;
    uint32_t slot = 0;
    int r = slot_take(table, &slot);

    if (r < 0) {
        return r;
    }
    node->id =
        (uint64_t)table->generations[slot / NODE_SLOTS_CHUNK][slot % NODE_SLOTS_CHUNK] << 32 | slot;
    table->chunks[slot / NODE_SLOTS_CHUNK][slot % NODE_SLOTS_CHUNK] = node;
    if (++table->count > table->identity_buckets) {
        grow_identities(table);
    }
    bucket = &table->by_identity[identity_hash(&node->identity) & (table->identity_buckets - 1)];
    node->hash_next = *bucket;
    *bucket = node;
    return 0;
}

void node_index_remove(struct node_table *table, struct node *node)
{
    struct node **at =
        &table->by_identity[identity_hash(&node->identity) & (table->identity_buckets - 1)];

    while (*at != node) {
        at = &(*at)->hash_next;
    }
    *at = node->hash_next;
    table->count--;
    slot_give_back(table, (uint32_t)node->id);
}

void node_index_add_name(struct node_table *table, struct dentry *dentry)
{
    struct dentry **bucket;

    if (++table->name_count > table->name_buckets) {
        grow_names(table);
    }
    bucket = &table->by_name[dentry->hash & (table->name_buckets - 1)];
    dentry->hash_next = *bucket;
    *bucket = dentry;
}

void node_index_remove_name(struct node_table *table, struct dentry *dentry)
{
    struct dentry **at = &table->by_name[dentry->hash & (table->name_buckets - 1)];

    while (*at != dentry) {
        at = &(*at)->hash_next;
    }
    *at = dentry->hash_next;
    table->name_count--;
}
