#include "auditd/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shared/audit/event_record.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

union attach_message {
    struct attach_hello hello;
    struct attach_ring ring;
};

struct link *link_new(int socket)
{
    struct link *link = calloc(1, sizeof(*link));

    if (link != NULL) {
        link->socket = socket;
    }
    return link;
}

/* Both ends are mapped in one piece; the head is its beginning. */
static void unmap_ring(const struct ring_consumer *ring)
{
    void *mapped;

    if (ring->head != NULL) {
        memcpy(&mapped, &ring->head, sizeof(mapped)); /* munmap(2) wants no const */
        munmap(mapped, RING_FILE_BYTES);
    }
}

void link_free(struct link *link)
{
    for (unsigned int i = 0; i < link->rings_mapped; i++) {
        unmap_ring(&link->rings[i].ring);
        close_fd(&link->rings[i].fd);
    }
    close_fd(&link->socket);
    free(link->rings);
    free(link);
}

static bool text_ends(const char *text, size_t room)
{
    return memchr(text, '\0', room) != NULL;
}

static bool policy_is_sound(const struct attach_policy *policy)
{
    return text_ends(policy->name, sizeof(policy->name)) &&
           text_ends(policy->revision, sizeof(policy->revision)) &&
           text_ends(policy->hash, sizeof(policy->hash));
}

int link_take_hello(struct link *link, const struct attach_hello *hello)
{
    if (link->ring_count != 0 || hello->ring_count == 0 || hello->ring_count > ATTACH_RINGS_MAX ||
        !text_ends(hello->run, sizeof(hello->run)) ||
        !text_ends(hello->program, sizeof(hello->program)) || !policy_is_sound(&hello->policy[0]) ||
        !policy_is_sound(&hello->policy[1])) {
        return -EPROTO;
    }
    link->rings = calloc(hello->ring_count, sizeof(*link->rings));
    if (link->rings == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < hello->ring_count; i++) {
        link->rings[i].fd = -1;
    }
    link->hello = *hello;
    link->ring_count = hello->ring_count;
    memcpy(link->run, hello->run, sizeof(link->run));
    memcpy(link->program, hello->program, sizeof(link->program));
    link->policies[hello->policy[1].number % LINK_POLICIES] = hello->policy[1];
    link->policies[hello->policy[0].number % LINK_POLICIES] = hello->policy[0];
    return 0;
}

int link_take_ring(struct link *link, const struct attach_ring *message, int fd)
{
    struct link_ring *ring;
    void *mapped;
    int error = ring_file_check(fd);

    if (error < 0) {
        return error;
    }
    if (link->rings_mapped == link->ring_count || message->index != link->rings_mapped ||
        message->consumed % EVENT_ALIGNMENT != 0) {
        return -EPROTO;
    }
    mapped = mmap(NULL, RING_FILE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    ring = &link->rings[link->rings_mapped++];
    ring_consumer_map(&ring->ring, mapped);
    ring->ring.position = message->consumed;
    ring->claimed = message->producer;
    ring->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (ring->fd < 0) {
        return -errno;
    }
    return link->rings_mapped == link->ring_count;
}

int link_receive(struct link *link)
{
    union attach_message message;
    size_t fd_count = 1;
    int fd = -1;
    ssize_t length = receive_with_fds(link->socket, &message, sizeof(message), &fd, &fd_count);
    AUTO_CLOSE int received = fd_count == 1 ? fd : -1;

    if (length < 0) {
        return (int)length;
    }
    if (length == 0 || link->welcomed || (size_t)length < sizeof(message.ring) ||
        message.ring.magic != ATTACH_MAGIC || message.ring.version != ATTACH_VERSION) {
        return -EPROTO;
    }
    if (message.ring.kind == ATTACH_HELLO && (size_t)length == sizeof(message.hello)) {
        return link_take_hello(link, &message.hello);
    }
    if (message.ring.kind == ATTACH_RING && (size_t)length == sizeof(message.ring) &&
        received >= 0) {
        return link_take_ring(link, &message.ring, received);
    }
    return -EPROTO;
}

const struct attach_policy *link_policy_find(const struct link *link, uint32_t number)
{
    const struct attach_policy *policy = &link->policies[number % LINK_POLICIES];

    return policy->number == number ? policy : NULL;
}

static int take_text(char *to, size_t room, const char **from, size_t *left)
{
    const char *end = memchr(*from, '\0', *left);
    size_t length;

    if (end == NULL || (size_t)(end - *from) >= room) {
        return -EBADMSG;
    }
    length = (size_t)(end - *from) + 1;
    memcpy(to, *from, length);
    *from += length;
    *left -= length;
    return 0;
}

int link_policy_add(struct link *link, uint32_t number, const char *body, size_t length)
{
    struct attach_policy policy = {.number = number};

    if (take_text(policy.name, sizeof(policy.name), &body, &length) < 0 ||
        take_text(policy.revision, sizeof(policy.revision), &body, &length) < 0 ||
        take_text(policy.hash, sizeof(policy.hash), &body, &length) < 0 || length != 0) {
        return -EBADMSG;
    }
    link->policies[number % LINK_POLICIES] = policy;
    return 0;
}
