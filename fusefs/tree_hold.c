/*
 * From nodes to descriptors.
 *
 * A node is found by its name in its directory, one component at a time and never through a
 * symbolic link, and then compared with the identity it had when the kernel was told of it. So
 * whatever is renamed or swapped meanwhile, a request acts on the object that was judged or fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fusefs/tree.h"
#include "shared/base/cleanup.h"

#define NAMES_TRIED 64 /* of one hard-linked file, before it counts as gone */

struct step {
    struct node *node; /* pinned */
    char name[256];
};

/* Checks that fd is the node's object; keeps a descriptor where one is worth it. Takes fd over. */
static int adopt(struct tree *tree, struct node *node, int taken_fd,
                 struct descriptor **ret_descriptor)
{
    AUTO_CLOSE int fd = taken_fd;
    struct statx status;
    struct node_identity identity;
    struct descriptor *descriptor;
    int r = tree_status_of(fd, &status);

    if (r < 0) {
        return r;
    }
    identity = node_identity_from(&status);
    if (!node_identity_equals(&identity, &node->identity)) {
        return -ESTALE;
    }
    descriptor = descriptor_new(take_fd(&fd));
    if (descriptor == NULL) {
        return -ENOMEM;
    }
    if (node->type == S_IFDIR || status.stx_nlink > 1) {
        descriptor_cache_keep(&tree->descriptors, node, descriptor);
    }
    *ret_descriptor = descriptor;
    return 0;
}

static int open_child(struct tree *tree, int directory, const char *name, struct node *node,
                      struct descriptor **ret_descriptor)
{
    int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : adopt(tree, node, fd, ret_descriptor);
}

static int hold_root(struct tree *tree, struct node *node, struct descriptor **ret_descriptor)
{
    int fd = fcntl(tree->root_fd, F_DUPFD_CLOEXEC, 3);

    return fd < 0 ? -errno : adopt(tree, node, fd, ret_descriptor);
}

/* Up to the first ancestor with a descriptor, then down again; no recursion: a tree may be deep. */
static int hold_directory(struct tree *tree, struct node *directory,
                          struct descriptor **ret_descriptor)
{
    struct step *steps = NULL;
    size_t count = 0;
    size_t room = 0;
    struct node *node = node_pin(directory);
    AUTO(descriptor_release) struct descriptor *held = NULL;
    int r = 0;

    for (;;) {
        struct node *above = NULL;

        held = descriptor_cache_find(&tree->descriptors, node);
        if (held != NULL) {
            break;
        }
        if (node == tree->nodes.root) {
            r = hold_root(tree, node, &held);
            break;
        }
        if (count == room) {
            struct step *grown = realloc(steps, (room + 16) * sizeof(*steps));

            if (grown == NULL) {
                r = -ENOMEM;
                break;
            }
            steps = grown;
            room += 16;
        }
        r = node_table_name(&tree->nodes, node, 0, &above, steps[count].name);
        if (r < 0) {
            r = -ESTALE;
            break;
        }
        steps[count++].node = node;
        node = above;
    }
    node_table_unpin(&tree->nodes, node);
    while (count > 0) {
        struct step *step = &steps[--count];
        struct descriptor *below = NULL;

        if (r == 0) {
            r = open_child(tree, held->fd, step->name, step->node, &below);
        }
        if (r == 0) {
            descriptor_unref(held);
            held = below;
        }
        node_table_unpin(&tree->nodes, step->node);
    }
    free(steps);
    if (r < 0) {
        return r == -ENOENT || r == -ENOTDIR ? -ESTALE : r;
    }
    *ret_descriptor = held;
    held = NULL;
    return 0;
}

int tree_hold(struct tree *tree, struct node *node, struct descriptor **ret_descriptor)
{
    struct descriptor *kept = descriptor_cache_find(&tree->descriptors, node);
    struct descriptor *open;

    if (kept != NULL) {
        *ret_descriptor = kept;
        return 0;
    }
    if (node->type == S_IFDIR) {
        int r = hold_directory(tree, node, ret_descriptor);

        if (r != -ESTALE) {
            return r;
        }
    } else {
        for (unsigned int i = 0; i < NAMES_TRIED; i++) {
            AUTO(descriptor_release) struct descriptor *above = NULL;
            struct node *directory = NULL;
            char name[256];
            int r = node_table_name(&tree->nodes, node, i, &directory, name);

            if (r < 0) {
                break;
            }
            r = tree_hold(tree, directory, &above);
            node_table_unpin(&tree->nodes, directory);
            if (r == 0) {
                r = open_child(tree, above->fd, name, node, ret_descriptor);
            }
            if (r != -ESTALE && r != -ENOENT && r != -ENOTDIR) {
                return r;
            }
        }
    }
    open = open_file_descriptor_of(&tree->files, node);
    if (open == NULL) {
        return -ESTALE;
    }
    *ret_descriptor = open;
    return 0;
}

/* The caller's groups cost a read of /proc: they are fetched only when they could matter. */
static int openat_as(struct tree *tree, const struct caller *caller, int directory,
                     const char *name, int flags)
{
    int fd = -EACCES;

    for (int groups = CALLER_GROUPS_NONE; fd == -EACCES && groups <= CALLER_GROUPS_ALL; groups++) {
        struct acting acting;
        int r = tree_enter_caller(tree, caller, (enum caller_groups)groups, &acting);

        if (r < 0) {
            return r;
        }
        fd = openat(directory, name, flags | O_CLOEXEC | O_NOCTTY);
        fd = fd < 0 ? -errno : fd;
        caller_leave(&acting);
        if (!tree->options.shared) {
            break;
        }
    }
    return fd;
}

/* By name: one system call to open and one to make sure. */
static int open_by_name(struct tree *tree, const struct caller *caller, struct node *node,
                        int flags, int *ret_fd, struct statx *ret_status)
{
    AUTO(descriptor_release) struct descriptor *above = NULL;
    AUTO_CLOSE int fd = -1;
    struct node *directory = NULL;
    struct node_identity identity;
    char name[256];
    int r = node_table_name(&tree->nodes, node, 0, &directory, name);

    if (r < 0) {
        return -ESTALE;
    }
    r = tree_hold(tree, directory, &above);
    node_table_unpin(&tree->nodes, directory);
    if (r < 0) {
        return r;
    }
    /* O_NONBLOCK: should the name be a pipe by now, nobody waits for its other end. */
    fd = openat_as(tree, caller, above->fd, name, flags | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return fd == -ENOENT || fd == -ELOOP || fd == -ENXIO ? -ESTALE : fd;
    }
    r = tree_status_of(fd, ret_status);
    if (r < 0) {
        return r;
    }
    identity = node_identity_from(ret_status);
    if (!node_identity_equals(&identity, &node->identity)) {
        return -ESTALE;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

int tree_open_node(struct tree *tree, const struct caller *caller, struct node *node, int flags,
                   int *ret_fd, struct statx *ret_status)
{
    AUTO(descriptor_release) struct descriptor *held = NULL;
    AUTO_CLOSE int fd = -1;
    char text[TREE_FD_TEXT_MAX];
    struct statx unused;
    int r = -ESTALE;

    if (ret_status == NULL) {
        ret_status = &unused;
    }
    if (node->type == S_IFREG) {
        r = open_by_name(tree, caller, node, flags, ret_fd, ret_status);
        if (r != -ESTALE) {
            return r;
        }
    } else if (node->type != S_IFDIR) {
        return -EACCES; /* pipes, sockets and devices are the kernel's to open */
    }
    r = tree_hold(tree, node, &held);
    if (r < 0) {
        return r;
    }
    /* Through /proc, not as ".": a directory that may be read need not be searchable. */
    fd = openat_as(tree, caller, tree->proc_fd, tree_fd_text(held->fd, text),
                   node->type == S_IFDIR ? flags | O_DIRECTORY : flags);
    if (fd < 0) {
        return fd;
    }
    r = tree_status_of(fd, ret_status);
    if (r < 0) {
        return r;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}

int tree_may_list(struct tree *tree, const struct caller *caller, const struct descriptor *held)
{
    int r = -EACCES;

    for (int groups = CALLER_GROUPS_NONE; r == -EACCES && groups <= CALLER_GROUPS_ALL; groups++) {
        struct acting acting;

        r = tree_enter_caller(tree, caller, (enum caller_groups)groups, &acting);
        if (r < 0) {
            return r;
        }
        r = faccessat(held->fd, "", R_OK, AT_EACCESS | AT_EMPTY_PATH) < 0 ? -errno : 0;
        caller_leave(&acting);
        if (!tree->options.shared) {
            break;
        }
    }
    return r;
}

/* What execve(2) asks of the file, of whoever the thread acts as: no permission to read it. */
static int may_execute(struct tree *tree, const struct caller *caller, const char *path)
{
    struct acting acting;
    int r = tree_enter_caller(tree, caller, CALLER_GROUPS_ALL, &acting);

    if (r == 0) {
        r = faccessat(tree->proc_fd, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
        caller_leave(&acting);
    }
    return r;
}

int tree_open_to_execute(struct tree *tree, const struct caller *caller, struct node *node,
                         int *ret_fd, struct statx *ret_status)
{
    AUTO(descriptor_release) struct descriptor *held = NULL;
    AUTO_CLOSE int fd = -1;
    char text[TREE_FD_TEXT_MAX];
    int r = tree_open_node(tree, caller, node, O_RDONLY, ret_fd, ret_status);

    if (r != -EACCES || !tree->options.shared || node->type != S_IFREG) {
        return r;
    }
    r = tree_hold(tree, node, &held);
    if (r == 0) {
        r = may_execute(tree, caller, tree_fd_text(held->fd, text));
    }
    if (r < 0) {
        return r;
    }
    fd = openat(tree->proc_fd, text, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    r = tree_status_of(fd, ret_status);
    if (r == 0) {
        *ret_fd = take_fd(&fd);
    }
    return r;
}

int tree_status(struct tree *tree, struct node *node, struct statx *ret_status)
{
    AUTO(descriptor_release) struct descriptor *held = NULL;
    struct node_identity identity;
    int r;

    if (node->type != S_IFDIR) {
        AUTO(descriptor_release) struct descriptor *above = NULL;
        struct node *directory = NULL;
        char name[256];

        if (node_table_name(&tree->nodes, node, 0, &directory, name) == 0) {
            r = tree_hold(tree, directory, &above);
            node_table_unpin(&tree->nodes, directory);
            if (r == 0) {
                r = tree_status_at(above->fd, name, ret_status);
            }
            if (r == 0) {
                identity = node_identity_from(ret_status);
                if (node_identity_equals(&identity, &node->identity)) {
                    return 0;
                }
            }
        }
    }
    r = tree_hold(tree, node, &held);
    return r < 0 ? r : tree_status_of(held->fd, ret_status);
}
