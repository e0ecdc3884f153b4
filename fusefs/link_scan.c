#include "fusefs/link_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fusefs/directory_stream.h"
#include "shared/base/cleanup.h"

/* Directories still to be read, each pinned. */
struct pending {
    struct node **nodes;
    size_t count;
    size_t room;
};

bool link_scan_is_due(struct tree *tree, const struct node *node)
{
    unsigned int links = atomic_load_explicit(&node->links, memory_order_relaxed);

    return node->type == S_IFREG && links > 1 && links > atomic_load(&node->links_searched) &&
           node_table_name_count(&tree->nodes, node) < links;
}

/* Of the last change: a link made or removed is one, as is the rename of a name. Never 0. */
static unsigned int mark_of(const struct statx *status)
{
    return (unsigned int)((uint64_t)status->stx_ctime.tv_sec * 1000000007u +
                          status->stx_ctime.tv_nsec) |
           1u;
}

bool link_scan_is_outdated(const struct node *node, const struct statx *status)
{
    return node->type == S_IFREG && status->stx_nlink > 1 &&
           atomic_load_explicit(&node->links_mark, memory_order_relaxed) != mark_of(status);
}

static int pending_push(struct pending *pending, struct node *node)
{
    if (pending->count == pending->room) {
        size_t room = pending->room == 0 ? 256 : pending->room * 2;
        struct node **grown = realloc(pending->nodes, room * sizeof(struct node *));

        if (grown == NULL) {
            return -ENOMEM;
        }
        pending->nodes = grown;
        pending->room = room;
    }
    pending->nodes[pending->count++] = node;
    return 0;
}

/* Remembers one entry if it is a directory or a file with several links. */
static int learn(struct tree *tree, struct node *directory, int fd,
                 const struct directory_entry *entry, struct pending *pending)
{
    const struct policy_state *above;
    const struct policy_state *state;
    struct policy *policy = NULL;
    struct node *node = NULL;
    struct statx status;
    uint64_t epoch;
    int r;

    if (entry->type != DT_DIR && entry->type != DT_REG && entry->type != DT_UNKNOWN) {
        return 0;
    }
    if (str_view_equals_text(entry->name, ".") || str_view_equals_text(entry->name, "..") ||
        tree_status_at(fd, entry->name.bytes, &status) < 0 ||
        (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ||
        !(S_ISDIR(status.stx_mode) || (S_ISREG(status.stx_mode) && status.stx_nlink > 1))) {
        return 0;
    }
    above = node_table_directory_state(&tree->nodes, directory, &policy, &epoch);
    state = above == NULL ? NULL : policy_path_step(policy, above, entry->name);
    r = state == NULL
            ? -EAGAIN
            : node_table_learn(&tree->nodes, directory, entry->name, state, epoch, &status, &node);
    policy_state_unref(state);
    policy_state_unref(above);
    policy_unref(policy);
    if (r < 0) {
        return r;
    }
    if (node->type == S_IFDIR) {
        r = pending_push(pending, node);
        if (r == 0) {
            return 0;
        }
    } else {
        atomic_store(&node->links_searched, status.stx_nlink);
        atomic_store(&node->links_mark, mark_of(&status));
    }
    node_table_unpin(&tree->nodes, node);
    return r;
}

static int scan_directory(struct tree *tree, struct node *directory, struct pending *pending)
{
    AUTO_CLOSE int fd = -1;
    struct directory_stream *stream;
    struct directory_entry entry;
    const struct caller server = {0};
    int r = tree_open_node(tree, &server, directory, O_RDONLY, &fd, NULL);

    if (r < 0) {
        /* Gone meanwhile, or closed to the server as well: then nobody gets a name from it. */
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE ? r : 0;
    }
    stream = directory_stream_new(fd, NULL, NULL);
    if (stream == NULL) {
        return -ENOMEM;
    }
    while ((r = directory_stream_next(stream, &entry)) > 0) {
        r = learn(tree, directory, fd, &entry, pending);
        if (r < 0) {
            break;
        }
    }
    directory_stream_free(stream);
    return r;
}

int link_scan(struct tree *tree, struct node *node)
{
    struct pending pending = {0};
    int r = 0;

    pthread_mutex_lock(&tree->link_scan_lock);
    /* -EAGAIN: the policy changed on the way, and half of the names carry its old states. */
    for (int tries = 0; (tries == 0 || r == -EAGAIN) && tries < 8 && link_scan_is_due(tree, node);
         tries++) {
        r = pending_push(&pending, node_pin(tree->nodes.root));
        while (pending.count > 0) {
            struct node *directory = pending.nodes[--pending.count];

            if (r == 0) {
                r = scan_directory(tree, directory, &pending);
            }
            node_table_unpin(&tree->nodes, directory);
        }
        free(pending.nodes);
        if (r == 0) {
            /* Also when the walk did not meet it: it has been looked for. */
            atomic_store(&node->links_searched, atomic_load(&node->links));
        }
    }
    pthread_mutex_unlock(&tree->link_scan_lock);
    return r;
}

/* 1: the name leads to the node still; 0: elsewhere, or nowhere. */
static int name_holds(struct tree *tree, const struct node *node, struct node *directory,
                      const char *name)
{
    AUTO(descriptor_release) struct descriptor *above = NULL;
    struct node_identity identity;
    struct statx status;
    int r = tree_hold(tree, directory, &above);

    if (r == 0) {
        r = tree_status_at(above->fd, name, &status);
    }
    if (r < 0) {
        return r == -ESTALE || r == -ENOENT || r == -ENOTDIR ? 0 : r;
    }
    identity = node_identity_from(&status);
    return node_identity_equals(&identity, &node->identity) ? 1 : 0;
}

/* Returns how many names went. */
static int drop_stale_names(struct tree *tree, struct node *node)
{
    unsigned int index = 0;
    int dropped = 0;

    for (;;) {
        struct node *directory = NULL;
        char name[256];
        int r = node_table_name(&tree->nodes, node, index, &directory, name);

        if (r < 0) {
            return dropped;
        }
        r = name_holds(tree, node, directory, name);
        if (r == 0) {
            node_table_remove_name(&tree->nodes, directory, str_view_from(name));
            dropped++;
        }
        node_table_unpin(&tree->nodes, directory);
        if (r < 0) {
            return r;
        }
        index += (unsigned int)r;
    }
}

int link_scan_renew(struct tree *tree, struct node *node, const struct statx *status, bool search)
{
    const unsigned int known = node_table_name_count(&tree->nodes, node);
    int dropped = drop_stale_names(tree, node);
    int r = 0;

    if (dropped < 0) {
        return dropped;
    }
    atomic_store(&node->links, status->stx_nlink); /* each name that went has taken one from it */
    if (search && node_table_name_count(&tree->nodes, node) < status->stx_nlink) {
        atomic_store(&node->links_searched, 0);
        r = link_scan(tree, node);
    }
    if (r < 0) {
        return r;
    }
    /* As it was before the search: what has changed since is looked for again. */
    atomic_store(&node->links_mark, mark_of(status));
    return dropped > 0 || node_table_name_count(&tree->nodes, node) != known;
}
