#include "fusefs/fs_request.h"

#include <errno.h>

#include "fusefs/fs_breaker.h"
#include "shared/base/monotonic.h"

struct fs_request fs_request_begin(struct tree *tree, const struct caller *caller, const char *word)
{
    return (struct fs_request){
        .tree = tree,
        .caller = caller,
        .word = word,
        .started_ns = monotonic_ns(),
    };
}

int fs_request_name(struct fs_request *request, uint64_t directory, struct str_view name,
                    unsigned int needs, unsigned int flags)
{
    struct fs_side *side = &request->sides[request->side_count];

    /* The kernel never sends these; everything below relies on it. */
    if (name.length == 0 || memchr(name.bytes, '/', name.length) != NULL ||
        str_view_equals_text(name, ".") || str_view_equals_text(name, "..")) {
        return -EINVAL;
    }
    if (name.length > 255) {
        return -ENAMETOOLONG;
    }
    if (directory < NODE_FIRST_ID && directory != NODE_ROOT_ID) {
        return -EACCES; /* nothing is made or removed in .failcore (SR20) */
    }
    side->directory = node_table_pin(&request->tree->nodes, directory);
    if (side->directory == NULL) {
        return -ESTALE;
    }
    request->side_count++;
    if (side->directory->type != S_IFDIR) {
        return -ENOTDIR;
    }
    side->name = name;
    side->needs = needs;
    side->flags = flags;
    return 0;
}

void fs_request_node(struct fs_request *request, struct node *node, unsigned int needs,
                     unsigned int flags)
{
    struct fs_side *side = &request->sides[request->side_count++];

    side->node = node_pin(node);
    side->needs = needs;
    side->flags = flags;
    request->inode = node->identity.inode;
}

int fs_request_object(struct fs_request *request, uint64_t id, unsigned int needs,
                      unsigned int flags)
{
    struct node *node = node_table_pin(&request->tree->nodes, id);

    if (node == NULL) {
        return id < NODE_FIRST_ID ? -EACCES : -ESTALE;
    }
    fs_request_node(request, node, needs, flags);
    node_table_unpin(&request->tree->nodes, node);
    return 0;
}

int fs_request_take_disk(struct fs_request *request, uint64_t bytes)
{
    int r = disk_budget_take(&request->tree->disk, bytes);

    request->disk_bytes += r == 0 ? bytes : 0;
    return r;
}

void fs_request_settle(struct fs_request *request, int result)
{
    fs_breaker_done(request, result);
    if (result < 0) {
        disk_budget_give_back(&request->tree->disk, request->disk_bytes);
    }
    request->disk_bytes = 0;
}

void fs_request_end(struct fs_request *request)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct fs_side *side = &request->sides[i];

        policy_state_unref(side->state);
        node_table_unpin(&request->tree->nodes, side->node);
        node_table_unpin(&request->tree->nodes, side->directory);
    }
    policy_unref(request->policy);
    *request = (struct fs_request){0};
}
