#include "netguard/flow/flow_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS (2U * FLOWS_MAX) /* short chains: each link is out of the cache */

struct flow_table {
    struct flow *buckets[BUCKETS];
    struct flow *held;
    size_t count, held_count;
    uint64_t secret; /* the workload chooses ports and addresses, not buckets */
};

struct flow_table *flow_table_new(void)
{
    struct flow_table *table = calloc(1, sizeof(*table));

    if (table != NULL &&
        getrandom(&table->secret, sizeof(table->secret), 0) != sizeof(table->secret)) {
        free(table);
        return NULL;
    }
    return table;
}

void flow_table_free(struct flow_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (table->buckets[i] != NULL) {
            flow_table_remove(table, table->buckets[i]);
        }
    }
    free(table);
}

static size_t bucket_of(const struct flow_table *table, const struct flow_key *key)
{
    uint64_t hash = table->secret, low, high;

    memcpy(&low, key->remote.bytes, sizeof(low));
    memcpy(&high, key->remote.bytes + 8, sizeof(high));
    hash = (hash ^ low) * 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 31) ^ high) * 0xbf58476d1ce4e5b9U;
    hash ^=
        (uint64_t)key->agent_port << 32 | (uint64_t)key->remote_port << 8 | (uint64_t)key->protocol;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
    return (hash >> 33) % BUCKETS;
}

static bool same_key(const struct flow_key *a, const struct flow_key *b)
{
    return a->agent_port == b->agent_port && a->remote_port == b->remote_port &&
           a->protocol == b->protocol && ip_address_equals(&a->remote, &b->remote) &&
           ip_address_equals(&a->agent, &b->agent);
}

struct flow *flow_table_find(const struct flow_table *table, const struct flow_key *key)
{
    struct flow *flow = table->buckets[bucket_of(table, key)];

    while (flow != NULL && !same_key(&flow->key, key)) {
        flow = flow->next_in_bucket;
    }
    return flow;
}

static void drop_stream(struct flow_table *table, struct flow *flow)
{
    if (flow->stream == NULL) {
        return;
    }
    free(flow->stream);
    flow->stream = NULL;
    *(flow->held_before == NULL ? &table->held : &flow->held_before->held_after) = flow->held_after;
    if (flow->held_after != NULL) {
        flow->held_after->held_before = flow->held_before;
    }
    flow->held_before = flow->held_after = NULL;
    table->held_count--;
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
    struct flow **link = &table->buckets[bucket_of(table, &flow->key)];

    while (*link != flow) {
        link = &(*link)->next_in_bucket;
    }
    *link = flow->next_in_bucket;
    drop_stream(table, flow);
    free(flow);
    table->count--;
}

bool flow_table_has_room(const struct flow_table *table, const struct flow_key *key)
{
    return table->count < FLOWS_MAX || flow_table_find(table, key) != NULL;
}

struct flow *flow_table_add(struct flow_table *table, const struct flow_key *key)
{
    struct flow *flow = flow_table_find(table, key);
    size_t bucket = bucket_of(table, key);

    if (flow != NULL) {
        flow_table_remove(table, flow);
    }
    flow = table->count < FLOWS_MAX ? calloc(1, sizeof(*flow)) : NULL;
    if (flow == NULL) {
        return NULL;
    }
    flow->key = *key;
    flow->next_in_bucket = table->buckets[bucket];
    table->buckets[bucket] = flow;
    table->count++;
    return flow;
}

bool flow_table_hold(struct flow_table *table, struct flow *flow, uint64_t now_ms)
{
    if (flow->stream != NULL) {
        return true;
    }
    if (table->held_count >= FLOWS_HELD_MAX) {
        return false;
    }
    flow->stream = calloc(1, sizeof(*flow->stream));
    if (flow->stream == NULL) {
        return false;
    }
    flow->held_since_ms = now_ms;
    flow->held_after = table->held;
    if (table->held != NULL) {
        table->held->held_before = flow;
    }
    table->held = flow;
    table->held_count++;
    return true;
}

void flow_table_release(struct flow_table *table, struct flow *flow)
{
    drop_stream(table, flow);
    flow->state = FLOW_RELEASED;
}

struct flow *flow_table_first_held(const struct flow_table *table)
{
    return table->held;
}

size_t flow_table_count(const struct flow_table *table)
{
    return table->count;
}

size_t flow_table_held(const struct flow_table *table)
{
    return table->held_count;
}

void flow_table_each(const struct flow_table *table, flow_handler *each, void *context)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct flow *flow = table->buckets[i]; flow != NULL; flow = flow->next_in_bucket) {
            if (!each(context, flow)) {
                return;
            }
        }
    }
}

void flow_table_walk(const struct flow_table *table, size_t *place, size_t enough,
                     flow_handler *each, void *context)
{
    size_t seen = 0;

    for (size_t i = 0; i < BUCKETS && seen < enough; i++) {
        for (struct flow *flow = table->buckets[*place]; flow != NULL;
             flow = flow->next_in_bucket) {
            seen++;
            if (!each(context, flow)) {
                return;
            }
        }
        *place = (*place + 1) % BUCKETS;
    }
}
