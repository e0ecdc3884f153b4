#include "fusefs/descriptor.h"

#include "shared/base/cleanup.h"

struct descriptor *descriptor_new(int fd)
{
    struct descriptor *descriptor = malloc(sizeof(*descriptor));

    if (descriptor == NULL) {
        close_fd(&fd);
        return NULL;
    }
    atomic_init(&descriptor->references, 1);
    descriptor->fd = fd;
    descriptor->next_dead = NULL;
    return descriptor;
}

struct descriptor *descriptor_ref(struct descriptor *descriptor)
{
    atomic_fetch_add_explicit(&descriptor->references, 1, memory_order_relaxed);
    return descriptor;
}

void descriptor_unref(struct descriptor *descriptor)
{
    if (descriptor != NULL &&
        atomic_fetch_sub_explicit(&descriptor->references, 1, memory_order_acq_rel) == 1) {
        close_fd(&descriptor->fd);
        free_pointer(&descriptor);
    }
}
