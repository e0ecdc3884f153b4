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
