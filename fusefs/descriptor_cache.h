/*
 * Descriptors kept with nodes: directories (every request below one needs it) and files with
 * several links. All others are opened by name when they are needed.
 *
 * Bounded: past `limit` the one that was not used for longest goes (second chance), and is opened
 * again by name when its node is next asked for. So a tree of any size is served within
 * RLIMIT_NOFILE.
 *
 * Threads: one lock, held for a few pointer steps.
 */
#ifndef FAILCORE_FUSEFS_DESCRIPTOR_CACHE_H
#define FAILCORE_FUSEFS_DESCRIPTOR_CACHE_H

#include <pthread.h>

#include "fusefs/descriptor.h"

struct node;

struct descriptor_cache {
    pthread_mutex_t lock;
    struct node *hand; /* of the clock; NULL: empty */
    unsigned int count;
    unsigned int limit;
};

void descriptor_cache_init(struct descriptor_cache *cache, unsigned int limit);
/* The node's descriptor, referenced; NULL when none is kept. */
struct descriptor *descriptor_cache_find(struct descriptor_cache *cache, struct node *node);
/* Keeps a reference of its own, unless the node has one already. */
void descriptor_cache_keep(struct descriptor_cache *cache, struct node *node,
                           struct descriptor *descriptor);
/* Takes the node's descriptor out: the reference is the caller's. NULL when none was kept. */
struct descriptor *descriptor_cache_take(struct descriptor_cache *cache, struct node *node);

#endif
