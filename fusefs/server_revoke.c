/*
 * What the kernel is told to forget: what another policy permitted, and names that were changed
 * underneath.
 */
#include <string.h>
#include <unistd.h>

#include "fusefs/fuse_abi.h"
#include "fusefs/requests.h"
#include "fusefs/server.h"

struct revocation {
    struct server *server;
    bool names_too; /* this kernel knows no epochs: name by name */
    unsigned int still_carried;
};

static void forget_names_of(void *context, struct node *node)
{
    struct server *server = context;

    for (unsigned int i = 0;; i++) {
        struct node *directory = NULL;
        char name[256];

        if (node_table_name(&server->tree->nodes, node, i, &directory, name) < 0) {
            break;
        }
        (void)fuse_lowlevel_notify_inval_entry(server->session, directory->id, name, strlen(name));
        node_table_unpin(&server->tree->nodes, directory);
    }
}

static bool node_permits(struct tree *tree, const struct node *node, unsigned int needs)
{
    enum fs_operation operation;

    return needs == 0 ||
           decision_permits(node_table_decide(&tree->nodes, node, needs, &operation, NULL));
}

static void revoke_node(void *context, struct node *node)
{
    struct revocation *revocation = context;
    struct server *server = revocation->server;
    struct tree *tree = server->tree;

    /* Listings may show other names now; pages of a file only if it may still be read. */
    if (node->type == S_IFDIR || !node_permits(tree, node, 1u << FS_READ)) {
        (void)fuse_lowlevel_notify_inval_inode(server->session, node->id, 0, 0);
    }
    revocation->still_carried += open_file_count_carried(&tree->files, node, tree, node_permits);
    if (revocation->names_too) {
        forget_names_of(server, node);
    }
}

/* Every name at once, where the kernel knows epochs. */
static bool forget_names(const struct server *server)
{
    const struct fuse_out_header epoch = {
        .len = sizeof(epoch),
        .error = FUSE_ABI_NOTIFY_INC_EPOCH,
    };

    return write(server->device, &epoch, sizeof(epoch)) == sizeof(epoch);
}

unsigned int server_revoke(struct server *server)
{
    struct revocation revocation = {.server = server, .names_too = !forget_names(server)};

    node_table_each(&server->tree->nodes, revoke_node, &revocation);
    return revocation.still_carried;
}

static void forget_name(void *context, uint64_t directory, struct str_view name)
{
    struct server *server = context;

    (void)fuse_lowlevel_notify_inval_entry(server->session, directory, name.bytes, name.length);
}

static void forget_all_names(void *context)
{
    struct server *server = context;

    if (!forget_names(server)) {
        node_table_each(&server->tree->nodes, forget_names_of, server);
    }
}

void server_watch_names(struct server *server)
{
    const struct name_watch_listener listener = {
        .context = server,
        .forget = forget_name,
        .forget_all = forget_all_names,
    };

    name_watch_serve(server->tree, &listener);
}
