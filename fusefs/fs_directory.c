#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/operations.h"
#include "fusefs/virtual_files.h"

#include "shared/base/cleanup.h"
#include "shared/base/monotonic.h"

/* What a stream needs to know whether a name is shown: lives as long as the open directory. */
struct listing {
    struct tree *tree;
    struct node *directory; /* pinned by the open file */
};

static bool is_dot(struct str_view name)
{
    return str_view_equals_text(name, ".") || str_view_equals_text(name, "..");
}

static struct decision decide_entry(struct tree *tree, const struct node *directory,
                                    struct str_view name)
{
    struct decision decision = {.verdict = VERDICT_HIDE};
    struct policy *policy = NULL;
    uint64_t epoch;
    const struct policy_state *above =
        node_table_directory_state(&tree->nodes, directory, &policy, &epoch);

    if (above != NULL) {
        const struct policy_state *state = policy_path_step(policy, above, name);

        decision = policy_decide_fs(policy, state, FS_LOOKUP);
        policy_state_unref(state);
    }
    policy_state_unref(above);
    policy_unref(policy);
    return decision;
}

static bool hides(void *context, struct str_view name)
{
    const struct listing *listing = context;

    if (is_dot(name)) {
        return false;
    }
    if (listing->directory == listing->tree->nodes.root &&
        str_view_equals_text(name, RESERVED_NAME)) {
        return true;
    }
    return decide_entry(listing->tree, listing->directory, name).verdict == VERDICT_HIDE;
}

/* Positions and names as the backing file system has them, unless something may be hidden. */
static struct directory_stream *new_stream(struct tree *tree, struct node *directory, int fd)
{
    struct listing *listing = malloc(sizeof(*listing));
    struct directory_stream *stream;

    if (listing == NULL) {
        return NULL;
    }
    *listing = (struct listing){.tree = tree, .directory = directory};
    stream = directory_stream_new(
        fd, directory == tree->nodes.root || atomic_load(&tree->nodes.may_hide) ? hides : NULL,
        listing);
    if (stream == NULL) {
        free(listing);
    }
    return stream;
}

/*
 * A listing that the kernel has is opened and closed and never read: the directory is opened for
 * that when it is. Who opened it was permitted to, so it is the server that does.
 */
static int open_late(struct tree *tree, struct open_file *file)
{
    char text[TREE_FD_TEXT_MAX];
    int fd = openat(tree->proc_fd, tree_fd_text(file->descriptor->fd, text),
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    file->listing = descriptor_new(fd);
    return file->listing == NULL ? -ENOMEM : 0;
}

int fs_listing_open(struct tree *tree, struct open_file *file, int *ret_fd)
{
    int r = 0;

    pthread_mutex_lock(&tree->listing_lock);
    if (file->listing == NULL) {
        r = open_late(tree, file);
    }
    if (r == 0 && file->stream == NULL) {
        file->stream = new_stream(tree, file->node, file->listing->fd);
        r = file->stream == NULL ? -ENOMEM : 0;
    }
    if (r == 0) {
        *ret_fd = file->listing->fd;
    }
    pthread_mutex_unlock(&tree->listing_lock);
    return r;
}

/* Takes the descriptor and, where it is one, taken_fd over. */
static int add_directory(struct fs_request *request, struct descriptor *taken_held, int taken_fd,
                         uint64_t *ret_handle)
{
    struct tree *tree = request->tree;
    struct open_file *added = NULL;
    struct open_file file = {
        .node = node_pin(request->sides[0].node),
        .descriptor = taken_held,
        .listing = taken_fd < 0 ? NULL : descriptor_new(taken_fd),
        .flags = O_RDONLY,
        .needs = NEEDS(LIST),
        .judged_epoch = request->epoch,
    };
    int r = taken_fd >= 0 && file.listing == NULL ? -ENOMEM : 0;

    if (r == 0) {
        r = open_file_add(&tree->files, &file, &added);
    }
    if (r < 0) {
        node_table_unpin(&tree->nodes, file.node);
        descriptor_unref(file.listing);
        descriptor_unref(file.descriptor);
        return r;
    }
    *ret_handle = added->handle;
    open_file_put(&tree->files, added);
    return 0;
}

int fs_opendir(struct tree *tree, const struct caller *caller, uint64_t node, bool *ret_kept,
               uint64_t *ret_handle)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "opendir");
    AUTO(descriptor_release) struct descriptor *held = NULL;
    AUTO_CLOSE int fd = -1;
    int r;

    *ret_kept = false;
    if (virtual_is(node)) {
        return virtual_opendir(tree, node, ret_handle);
    }
    r = fs_request_object(&request, node, NEEDS(LIST), 0);

    if (r == 0 && request.sides[0].node->type != S_IFDIR) {
        r = -ENOTDIR;
    }
    if (r == 0) {
        r = fs_gate(&request);
    }
    if (r == 0) {
        r = tree_hold(tree, request.sides[0].node, &held);
    }
    if (r == 0) {
        *ret_kept = !tree->options.strict &&
                    listing_hint_kept(&tree->listings, request.sides[0].node, request.started_ns);
        r = *ret_kept ? tree_may_list(tree, caller, held)
                      : tree_open_node(tree, caller, request.sides[0].node, O_RDONLY, &fd, NULL);
    }
    if (r == 0) {
        r = add_directory(&request, descriptor_ref(held), take_fd(&fd), ret_handle);
    }
    return fs_request_done(&request, r);
}

/*
 * One entry as a lookup would give it, but without a record of its own: the listing was recorded.
 * 0 with entry->node zero where it may be listed but not looked at, or is not there any more.
 */
static void enter_entry(struct tree *tree, struct node *directory, int fd,
                        struct fs_listing_entry *entry)
{
    const struct policy_state *above;
    const struct policy_state *state;
    struct policy *policy = NULL;
    struct node *node = NULL;
    uint64_t epoch;

    above = node_table_directory_state(&tree->nodes, directory, &policy, &epoch);
    state = above == NULL ? NULL : policy_path_step(policy, above, entry->raw.name);
    if (state != NULL && decision_permits(policy_decide_fs(policy, state, FS_LOOKUP)) &&
        tree_status_at(fd, entry->raw.name.bytes, &entry->status) == 0 &&
        (entry->status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0 &&
        node_table_enter(&tree->nodes, directory, entry->raw.name, state, epoch, &entry->status,
                         &node) == 0) {
        entry->node = node->id;
        node_table_unpin(&tree->nodes, node);
    }
    policy_state_unref(state);
    policy_state_unref(above);
    policy_unref(policy);
}

static int judge_listing(struct tree *tree, const struct caller *caller, struct open_file *file)
{
    AUTO(fs_request_end) struct fs_request request = fs_request_begin(tree, caller, "readdir");
    int r;

    fs_request_node(&request, file->node, NEEDS(LIST), 0);
    r = fs_gate(&request);
    if (r == 0) {
        atomic_store(&file->judged_epoch, request.epoch);
    }
    return r;
}

/* Entries from where the stream is to the end, or until `add` has had enough. */
static int give_entries(struct tree *tree, const struct open_file *file, bool plus,
                        fs_listing_add add, void *context)
{
    int r = 0;

    while (r == 0) {
        struct fs_listing_entry entry = {0};

        r = directory_stream_next(file->stream, &entry.raw);
        if (r <= 0) {
            if (r == 0) {
                listing_hint_ended(file->node);
            }
            break;
        }
        r = 0; /* an entry */
        if (plus && !is_dot(entry.raw.name) &&
            (file->gives_attributes || entry.raw.type == DT_DIR || entry.raw.type == DT_UNKNOWN)) {
            enter_entry(tree, file->node, file->descriptor->fd, &entry);
        }
        if (!add(context, &entry)) {
            if (entry.node != 0) {
                fs_forget(tree, entry.node, 1);
            }
            /* The stream is past it: the next call seeks back to the one before. */
            break;
        }
    }
    return r;
}

int fs_readdir(struct tree *tree, const struct caller *caller, uint64_t handle, uint64_t position,
               bool plus, fs_listing_add add, void *context)
{
    struct open_file *file = open_file_get(&tree->files, handle);
    int r = 0;
    int fd;

    if (file == NULL || file->node->type != S_IFDIR || file->is_virtual) {
        r = file != NULL && file->is_virtual ? 0 : -EBADF;
        open_file_put(&tree->files, file);
        return r;
    }
    if (atomic_load(&file->judged_epoch) != atomic_load(&tree->nodes.epoch)) {
        r = judge_listing(tree, caller, file);
    }
    if (r == 0) {
        r = fs_listing_open(tree, file, &fd);
    }
    if (r < 0) {
        open_file_put(&tree->files, file);
        return r;
    }
    directory_stream_lock(file->stream);
    if (position == 0) {
        file->gives_attributes = listing_hint_begin(&tree->listings, file->node, monotonic_ns());
    }
    r = directory_stream_seek(file->stream, position);
    if (r == 0) {
        r = give_entries(tree, file, plus, add, context);
    }
    directory_stream_unlock(file->stream);
    open_file_put(&tree->files, file);
    return r;
}
