#include "fusefs/descriptor_cache.h"

#include "fusefs/node_table.h"

void descriptor_cache_init(struct descriptor_cache *cache, unsigned int limit)
{
    *cache = (struct descriptor_cache){.limit = limit};
    pthread_mutex_init(&cache->lock, NULL);
}

struct descriptor *descriptor_cache_find(struct descriptor_cache *cache, struct node *node)
{
    struct descriptor *descriptor = NULL;

    pthread_mutex_lock(&cache->lock);
    if (node->kept != NULL) {
        node->kept_used = true;
        descriptor = descriptor_ref(node->kept);
    }
    pthread_mutex_unlock(&cache->lock);
    return descriptor;
}

static struct descriptor *take(struct descriptor_cache *cache, struct node *node)
{
    struct descriptor *descriptor = node->kept;

    if (descriptor == NULL) {
        return NULL;
    }
    if (node->kept_next == node) {
        cache->hand = NULL;
    } else {
        node->kept_previous->kept_next = node->kept_next;
        node->kept_next->kept_previous = node->kept_previous;
        if (cache->hand == node) {
            cache->hand = node->kept_next;
        }
    }
    node->kept = NULL;
    node->kept_next = NULL;
    node->kept_previous = NULL;
    cache->count--;
    return descriptor;
}

struct descriptor *descriptor_cache_take(struct descriptor_cache *cache, struct node *node)
{
    struct descriptor *descriptor;

    pthread_mutex_lock(&cache->lock);
    descriptor = take(cache, node);
    pthread_mutex_unlock(&cache->lock);
    return descriptor;
}

/* The first node that was not used since the hand last passed it; it has to stop somewhere. */
static struct descriptor *evict(struct descriptor_cache *cache)
{
    for (unsigned int i = 0; i < cache->count && cache->hand->kept_used; i++) {
        cache->hand->kept_used = false;
        cache->hand = cache->hand->kept_next;
    }
    return take(cache, cache->hand);
}

void descriptor_cache_keep(struct descriptor_cache *cache, struct node *node,
                           struct descriptor *descriptor)
{
    struct descriptor *evicted = NULL;

    pthread_mutex_lock(&cache->lock);
    if (node->kept == NULL && cache->limit > 0) {
        if (cache->count >= cache->limit) {
            evicted = evict(cache);
        }
        node->kept = descriptor_ref(descriptor);
        node->kept_used = true;
        if (cache->hand == NULL) {
            node->kept_next = node;
            node->kept_previous = node;
            cache->hand = node;
        } else {
            /* Behind the hand: the last that it will come to. */
            node->kept_next = cache->hand;
            node->kept_previous = cache->hand->kept_previous;
            cache->hand->kept_previous->kept_next = node;
            cache->hand->kept_previous = node;
        }
        cache->count++;
    }
    pthread_mutex_unlock(&cache->lock);
    descriptor_unref(evicted);
}
