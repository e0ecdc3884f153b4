#include "auditd/tree_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auditd/log_key.h"
#include "shared/audit/tile.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

/* A full tile that is not on the disk yet: the disk may refuse for a while. */
struct full_tile {
    struct full_tile *next;
    unsigned int level;
    uint64_t index;
    struct merkle_tile tile;
};

struct tile_queue {
    struct full_tile *first; /* oldest first */
    struct full_tile **end;
};

struct tree_store {
    int directory;
    int list; /* checkpoints.jsonl */
    struct sha256 *sha;
    struct log_key key;
    struct merkle_tree tree;
    struct checkpoint signed_head;
    bool has_head; /* false only until the empty tree of a new log is signed */
    char signed_root[SHA256_HEX_SIZE];
    struct tile_queue unwritten;
    struct tile_queue unsynced;     /* written, and maybe not on the disk */
    uint64_t partials_size;         /* size whose partial tiles lie on the disk; 0: none */
    uint64_t rooted[MERKLE_LEVELS]; /* 1 + index of the partial tile whose directory has its own
                                       name on the disk; 0: none since we began */
};

static void queue_init(struct tile_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_put(struct tile_queue *queue, struct full_tile *full)
{
    full->next = NULL;
    *queue->end = full;
    queue->end = &full->next;
}

static struct full_tile *queue_take(struct tile_queue *queue)
{
    struct full_tile *full = queue->first;

    queue->first = full->next;
    if (queue->first == NULL) {
        queue->end = &queue->first;
    }
    return full;
}

static void queue_clear(struct tile_queue *queue)
{
    while (queue->first != NULL) {
        free(queue_take(queue));
    }
}

static int read_checkpoint(struct tree_store *store, struct failure *reterr)
{
    AUTO_CLOSE int fd = openat(store->directory, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error;

    if (fd < 0) {
        return errno == ENOENT
                   ? 0
                   : failure_set(reterr, -errno, "the log's checkpoint: %s", strerror(errno));
    }
    error = read_to_end(fd, CHECKPOINT_MAX, &text);
    if (error == 0) {
        error = checkpoint_open(text_buffer_view(&text), &store->key.name, &store->signed_head);
    }
    if (error < 0) {
        failure_set_mend(reterr, "failcore audit verify; then begin a new log elsewhere");
        return failure_set(reterr, error, "the log's checkpoint is not one that its key signed");
    }
    hex_encode(store->signed_head.root, SHA256_SIZE, store->signed_root);
    store->has_head = true;
    return 0;
}

/* The tree as its tiles say, if that is what was signed; else empty, to be made again. */
static void read_tree(struct tree_store *store)
{
    uint8_t root[SHA256_SIZE];

    if (tile_read_tree(store->directory, store->signed_head.size, &store->tree) == 0 &&
        merkle_root(&store->tree, store->sha, root) == 0 &&
        memcmp(root, store->signed_head.root, SHA256_SIZE) == 0) {
        store->partials_size = store->signed_head.size;
        return;
    }
    store->tree = (struct merkle_tree){0};
}

int tree_store_open(int directory, bool is_new, struct sha256 *sha, struct tree_store **ret_store,
                    struct failure *reterr)
{
    struct tree_store *store = calloc(1, sizeof(*store));
    int error;

    if (store == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    store->directory = directory;
    store->sha = sha;
    queue_init(&store->unwritten);
    queue_init(&store->unsynced);
    store->list = openat(directory, "checkpoints.jsonl",
                         O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    error = store->list < 0
                ? failure_set(reterr, -errno, "cannot open checkpoints.jsonl: %s", strerror(errno))
                : log_key_open(directory, is_new, sha, &store->key, reterr);
    if (error == 0) {
        error = read_checkpoint(store, reterr);
    }
    if (error < 0) {
        tree_store_free(store);
        return error;
    }
    if (!store->has_head) {
        if (!is_new) {
            failure_set_mend(reterr, "failcore audit verify; then begin a new log elsewhere");
            error = failure_set(reterr, -EBADMSG, "the log has records and no signed checkpoint");
        } else {
            error = tree_store_checkpoint(store); /* so that a log without one was tampered with */
            failure_set(reterr, error, "cannot sign the new log: %s", strerror(-error));
        }
        if (error < 0) {
            tree_store_free(store);
            return error;
        }
        reterr->what[0] = '\0';
    }
    read_tree(store);
    *ret_store = store;
    return 0;
}

void tree_store_free(struct tree_store *store)
{
    if (store != NULL) {
        queue_clear(&store->unwritten);
        queue_clear(&store->unsynced);
        log_key_clear(&store->key);
        close_fd(&store->list);
        free(store);
    }
}

const char *tree_store_origin(const struct tree_store *store)
{
    return store->key.name.name;
}

uint64_t tree_store_size(const struct tree_store *store)
{
    return store->tree.size;
}

uint64_t tree_store_signed_size(const struct tree_store *store)
{
    return store->signed_head.size;
}

const char *tree_store_signed_root(const struct tree_store *store)
{
    return store->signed_head.size == 0 ? "" : store->signed_root;
}

static int keep_tile(void *context, unsigned int level, uint64_t index,
                     const struct merkle_tile *tile)
{
    struct tree_store *store = context;
    struct full_tile *full = malloc(sizeof(*full));

    if (full == NULL) {
        return -ENOMEM;
    }
    *full = (struct full_tile){.level = level, .index = index, .tile = *tile};
    queue_put(&store->unwritten, full);
    return 0;
}

int tree_store_write(struct tree_store *store)
{
    while (store->unwritten.first != NULL) {
        const struct full_tile *full = store->unwritten.first;
        int error = tile_write(store->directory, full->level, full->index, &full->tile);

        if (error < 0) {
            return error;
        }
        queue_put(&store->unsynced, queue_take(&store->unwritten));
    }
    return 0;
}

int tree_store_append(struct tree_store *store, const uint8_t leaf[static SHA256_SIZE])
{
    uint8_t root[SHA256_SIZE];
    int error = merkle_append(&store->tree, leaf, store->sha, keep_tile, store);

    if (error < 0 || store->tree.size != store->signed_head.size) {
        return error;
    }
    /* The tree is being made again: here it must be what was signed. */
    error = merkle_root(&store->tree, store->sha, root);
    if (error < 0) {
        return error;
    }
    return memcmp(root, store->signed_head.root, SHA256_SIZE) == 0 ? 0 : -EKEYREJECTED;
}

/* The open tile of that level is the one that lies on the disk already. */
static bool is_stored(const struct tree_store *store, unsigned int level)
{
    return store->partials_size != 0 &&
           store->tree.size >> (8 * level) == store->partials_size >> (8 * level);
}

/* The open tile of each level, `write` or removed. */
static int each_partial(struct tree_store *store, uint64_t size, bool write)
{
    for (unsigned int level = 0; level < MERKLE_LEVELS; level++) {
        unsigned int width = (unsigned int)(size >> (8 * level)) & (MERKLE_TILE_WIDTH - 1);
        uint64_t index = size >> (8 * (level + 1));
        int error = 0;

        if (width == 0) {
            continue;
        }
        if (write && !is_stored(store, level)) {
            error = tile_write(store->directory, level, index, &store->tree.level[level]);
        } else if (!write && !is_stored(store, level)) {
            tile_remove_partial(store->directory, level, index, width);
        }
        if (error < 0) {
            return error;
        }
    }
    return 0;
}

/* A tile whose fsync(2) failed may be lost without another word: it is written anew, to another
 * file, before it is asked for again. */
static int sync_full_tiles(struct tree_store *store, char synced[static TILE_PATH_MAX])
{
    for (const struct full_tile *full = store->unsynced.first; full != NULL; full = full->next) {
        int error =
            tile_sync(store->directory, full->level, full->index, MERKLE_TILE_WIDTH, synced);

        if (error < 0) {
            while (store->unsynced.first != NULL) {
                queue_put(&store->unwritten, queue_take(&store->unsynced));
            }
            return error;
        }
    }
    queue_clear(&store->unsynced);
    return 0;
}

/* A checkpoint is never durable before the tiles that it signs: after a power cut a log with a
 * hole in its tree would look tampered with. */
static int sync_tiles(struct tree_store *store)
{
    char synced[TILE_PATH_MAX] = "";
    int error = sync_full_tiles(store, synced);

    for (unsigned int level = 0; error == 0 && level < MERKLE_LEVELS; level++) {
        const struct merkle_tile *tile = &store->tree.level[level];
        const uint64_t index = store->tree.size >> (8 * (level + 1));

        if (tile->width == 0 || is_stored(store, level)) {
            continue;
        }
        if (store->rooted[level] == index + 1) {
            error = tile_sync_next(store->directory, level, index, tile->width);
        } else {
            error = tile_sync(store->directory, level, index, tile->width, synced);
            store->rooted[level] = error < 0 ? 0 : index + 1;
        }
    }
    return error;
}

static int replace_checkpoint(struct tree_store *store, struct str_view note)
{
    AUTO_CLOSE int fd = openat(store->directory, "checkpoint.new",
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error;

    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, note.bytes, note.length);
    if (error < 0) {
        return error;
    }
    if (fsync(fd) < 0 ||
        renameat(store->directory, "checkpoint.new", store->directory, "checkpoint") < 0 ||
        fsync(store->directory) < 0) {
        return -errno;
    }
    return 0;
}

static int list_checkpoint(const struct tree_store *store, struct str_view note, const char *root)
{
    AUTO(text_buffer_clear) struct text_buffer line = {0};
    off_t end = lseek(store->list, 0, SEEK_END);
    struct timespec now;
    int error;

    clock_gettime(CLOCK_REALTIME, &now);
    text_buffer_printf(&line, "{\"size\":%" PRIu64 ",\"root\":\"%s\",\"time\":%lld,\"note\":",
                       store->tree.size, root, (long long)now.tv_sec);
    text_buffer_append_json_string(&line, note);
    text_buffer_append_text(&line, "}\n");
    if (text_buffer_error(&line) < 0) {
        return text_buffer_error(&line);
    }
    error = write_all(store->list, line.bytes, line.length);
    if (error < 0) {
        (void)!ftruncate(store->list, end); /* no half line */
    }
    return error;
}

int tree_store_checkpoint(struct tree_store *store)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct checkpoint head = {.size = store->tree.size};
    char root[SHA256_HEX_SIZE];
    int error;

    if (head.size == store->signed_head.size && store->has_head) {
        return 0;
    }
    memcpy(head.origin, store->key.name.name, sizeof(head.origin));
    error = tree_store_write(store);
    if (error == 0) {
        error = merkle_root(&store->tree, store->sha, head.root);
    }
    if (error == 0) {
        error = checkpoint_sign(&head, &store->key.name, store->key.key, &note);
    }
    if (error == 0) {
        error = each_partial(store, head.size, true);
    }
    if (error == 0) {
        error = sync_tiles(store);
    }
    if (error == 0) {
        error = replace_checkpoint(store, text_buffer_view(&note));
    }
    if (error < 0) {
        return error;
    }
    hex_encode(head.root, SHA256_SIZE, root);
    if (store->partials_size != 0) {
        (void)each_partial(store, store->partials_size, false);
    }
    store->partials_size = head.size;
    store->signed_head = head;
    store->has_head = true;
    memcpy(store->signed_root, root, sizeof(root));
    /* A convenience for readers: the checkpoint itself is what counts. */
    return list_checkpoint(store, text_buffer_view(&note), root);
}
