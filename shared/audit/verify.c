/*
 * One pass over the records. Lines are read in parallel (line_batch.h); chain, ledger and tree
 * follow in order. Where the tree has the size of a signed head (the checkpoint, a pin) its root
 * must be that head's. Tiles are held against the tree that the records make: the records are what
 * counts, but a differing tile names the record that was exchanged.
 */
#include "shared/audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/line_batch.h"
#include "shared/audit/producer_book.h"
#include "shared/audit/tile.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

struct head {
    struct checkpoint checkpoint;
    bool is_pin;
};

struct verification {
    const struct audit_verify_options *options;
    struct audit_verdict verdict;
    int directory;
    struct sha256 *sha;
    struct note_key key;
    struct head *heads; /* the checkpoint and the pins, in the order of their size */
    size_t head_count;
    size_t next_head;
    struct line_batch batch;
    struct segment_chain chain;
    struct producer_book book;
    struct merkle_tree tree;
    uint64_t first_seq; /* the first that is still there */
    uint64_t pruned_to; /* what PRUNE records say: everything below is gone by policy */
    uint64_t tile_seq;  /* first record that differs from a tile; UINT64_MAX: none */
    const char *tile_why;
    bool has_tree; /* a directory; false for a single segment */
};

static void condemn(struct verification *v, uint64_t seq, const char *why)
{
    if (v->verdict.intact) {
        v->verdict.intact = false;
        v->verdict.bad_seq = seq;
        snprintf(v->verdict.why, sizeof(v->verdict.why), "%s", why);
    }
}

/* ---- signed heads -----------------------------------------------------------------------------
 */

int audit_note_read(int directory, const char *path, struct text_buffer *note,
                    struct failure *reterr)
{
    AUTO_CLOSE int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? -errno : read_to_end(fd, CHECKPOINT_MAX, note);

    return error < 0 ? failure_set(reterr, error, "cannot read %s: %s", path, strerror(-error)) : 0;
}

int audit_key_read(int directory, const char *key, struct sha256 *sha, struct note_key *ret_key,
                   struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer text = {0};
    int error;

    if (key != NULL && note_key_parse(str_view_from(key), sha, ret_key) == 0) {
        return 0;
    }
    error = audit_note_read(key == NULL ? directory : AT_FDCWD, key == NULL ? "vkey" : key, &text,
                            reterr);
    if (error < 0) {
        return error;
    }
    if (note_key_parse(text_buffer_view(&text), sha, ret_key) < 0) {
        failure_set_mend(reterr, "give the vkey that was kept when the log began");
        return failure_set(reterr, -EINVAL, "%s is not a verifier key", key == NULL ? "vkey" : key);
    }
    return 0;
}

static int compare_heads(const void *left, const void *right)
{
    const struct head *a = left;
    const struct head *b = right;

    return a->checkpoint.size < b->checkpoint.size ? -1 : a->checkpoint.size > b->checkpoint.size;
}

static int add_pin(struct verification *v, const char *path, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct head *head = &v->heads[v->head_count];
    int error = audit_note_read(AT_FDCWD, path, &note, reterr);

    if (error < 0) {
        return error;
    }
    error = checkpoint_open(text_buffer_view(&note), &v->key, &head->checkpoint);
    if (error == -EKEYREJECTED) {
        condemn(v, 0, "a pin is not signed by the key of this log: another log, or another key");
        return 0;
    }
    if (error < 0) {
        failure_set_mend(reterr, "give a file that `failcore audit pin` wrote");
        return failure_set(reterr, error, "%s is not a checkpoint", path);
    }
    head->is_pin = true;
    v->head_count++;
    return 0;
}

static void add_checkpoint(struct verification *v)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct failure ignored = {0};
    struct head *head = &v->heads[v->head_count];

    if (audit_note_read(v->directory, "checkpoint", &note, &ignored) < 0) {
        condemn(v, 0, "the signed checkpoint is missing");
        return;
    }
    if (checkpoint_open(text_buffer_view(&note), &v->key, &head->checkpoint) < 0) {
        condemn(v, 0, "the checkpoint is not one that the key of this log signed");
        return;
    }
    v->verdict.signed_size = head->checkpoint.size;
    v->verdict.has_signature = true;
    v->head_count++;
}

static int read_heads(struct verification *v, struct failure *reterr)
{
    int error = audit_key_read(v->directory, v->options->key, v->sha, &v->key, reterr);

    if (error == -ENOENT && v->options->key == NULL) {
        reterr->what[0] = '\0';
        condemn(v, 0, "the log's vkey is missing");
        return 0;
    }
    if (error < 0) {
        return error;
    }
    memcpy(v->verdict.origin, v->key.name, sizeof(v->verdict.origin));
    v->heads = calloc(v->options->pin_count + 1, sizeof(*v->heads));
    if (v->heads == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    add_checkpoint(v);
    for (size_t i = 0; error == 0 && i < v->options->pin_count; i++) {
        error = add_pin(v, v->options->pins[i], reterr);
    }
    if (v->head_count > 0) {
        qsort(v->heads, v->head_count, sizeof(*v->heads), compare_heads);
    }
    return error;
}

/* The tree stands at this size: every signed head of that size must have its root. */
static void check_heads(struct verification *v)
{
    uint8_t root[SHA256_SIZE];

    while (v->next_head < v->head_count && v->heads[v->next_head].checkpoint.size == v->tree.size) {
        const struct head *head = &v->heads[v->next_head++];
        uint64_t bad = v->tile_seq < v->tree.size ? v->tile_seq : v->tree.size - 1;

        if (merkle_root(&v->tree, v->sha, root) < 0) {
            condemn(v, bad, "the digest failed");
        } else if (memcmp(root, head->checkpoint.root, SHA256_SIZE) != 0) {
            condemn(v, v->tree.size == 0 ? 0 : bad,
                    head->is_pin ? "not the history that a pin has: the log was forked"
                                 : "not the records that were signed: the chain was made again");
        } else if (head->is_pin) {
            v->verdict.pins_held++;
        }
    }
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void note_tile(struct verification *v, uint64_t seq, const char *why)
{
    if (v->tile_seq == UINT64_MAX) {
        v->tile_seq = seq;
        v->tile_why = why;
    }
}

static void compare_tile(struct verification *v, unsigned int level, uint64_t index,
                         const struct merkle_tile *tile)
{
    uint64_t span = 1ULL << (8 * level); /* records under one hash */
    struct merkle_tile stored;
    int error = tile_read(v->directory, level, index, tile->width, &stored);

    if (error == -ENOENT && tile->width < MERKLE_TILE_WIDTH) {
        return; /* a writer that goes on drops it with its next checkpoint */
    }
    if (error < 0) {
        note_tile(v, index * MERKLE_TILE_WIDTH * span, "a tile of the tree is missing or cut");
        return;
    }
    for (unsigned int i = 0; i < tile->width; i++) {
        if (memcmp(stored.hash[i], tile->hash[i], SHA256_SIZE) != 0) {
            note_tile(v, (index * MERKLE_TILE_WIDTH + i) * span,
                      "a tile of the tree differs from the records");
            return;
        }
    }
}

static int on_full_tile(void *context, unsigned int level, uint64_t index,
                        const struct merkle_tile *tile)
{
    struct verification *v = context;

    /* Tiles behind the checkpoint may not be there yet. */
    if ((index + 1) << (8 * (level + 1)) <= v->verdict.signed_size) {
        compare_tile(v, level, index, tile);
    }
    return 0;
}

static int add_leaf(struct verification *v, const uint8_t leaf[static SHA256_SIZE])
{
    int error = merkle_append(&v->tree, leaf, v->sha, on_full_tile, v);

    if (error < 0) {
        return error;
    }
    if (v->tree.size == v->verdict.signed_size) {
        for (unsigned int level = 0; level < MERKLE_LEVELS; level++) {
            if (v->tree.level[level].width > 0) {
                compare_tile(v, level, v->tree.size >> (8 * (level + 1)), &v->tree.level[level]);
            }
        }
    }
    check_heads(v);
    return 0;
}

/* The records before the first are gone by policy: their hashes are in the tiles. */
static int add_pruned(struct verification *v)
{
    struct merkle_tile tile;

    for (uint64_t seq = 0; seq < v->first_seq && v->verdict.intact; seq++) {
        unsigned int at = (unsigned int)(seq % MERKLE_TILE_WIDTH);
        int error = 0;

        if (at == 0) {
            uint64_t index = seq / MERKLE_TILE_WIDTH;
            unsigned int width = v->verdict.signed_size / MERKLE_TILE_WIDTH > index
                                     ? MERKLE_TILE_WIDTH
                                     : (unsigned int)(v->verdict.signed_size % MERKLE_TILE_WIDTH);

            error = tile_read(v->directory, 0, index, width, &tile);
        }
        if (error < 0 || at >= tile.width) {
            condemn(v, seq, "records are gone, and so are their hashes");
            return 0;
        }
        error = add_leaf(v, tile.hash[at]);
        if (error < 0) {
            return error;
        }
        memcpy(v->chain.previous, tile.hash[at], SHA256_SIZE);
    }
    v->chain.next_seq = v->first_seq;
    v->verdict.pruned = v->first_seq;
    return 0;
}

/* ---- the records ---------------------------------------------------------------------------- */

static void note_prune(struct verification *v, const struct segment_line *line)
{
    struct str_view to = segment_line_member(line, "call", "to");
    uint64_t number = 0;

    for (size_t i = 0; i < to.length && i < 19 && to.bytes[i] >= '0' && to.bytes[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(to.bytes[i] - '0');
    }
    if (to.length > 0 && number + 1 > v->pruned_to) {
        v->pruned_to = number + 1;
    }
}

/* A broken link between two records: the tree knows which of them is the one that was signed. */
static bool last_was_exchanged(const struct verification *v)
{
    uint64_t seq = v->chain.next_seq - 1;
    uint64_t size = v->verdict.signed_size;
    uint64_t index = seq / MERKLE_TILE_WIDTH;
    struct merkle_tile tile;

    return v->has_tree && v->chain.next_seq > 0 && seq < size &&
           tile_read(v->directory, 0, index,
                     size / MERKLE_TILE_WIDTH > index ? MERKLE_TILE_WIDTH
                                                      : (unsigned int)(size % MERKLE_TILE_WIDTH),
                     &tile) == 0 &&
           memcmp(tile.hash[seq % MERKLE_TILE_WIDTH], v->chain.previous, SHA256_SIZE) != 0;
}

static int add_line(struct verification *v, const struct segment_line *line)
{
    const char *why = "";

    if (segment_chain_add(&v->chain, line, &why) < 0) {
        if (line->seq == v->chain.next_seq && last_was_exchanged(v)) {
            condemn(v, v->chain.next_seq - 1,
                    "not the record that was signed: changed, and its hash made again");
        }
        condemn(v, v->chain.next_seq, why);
        return 0;
    }
    if (v->has_tree && producer_book_add(&v->book, line, v->first_seq > 0, &why) < 0) {
        condemn(v, line->seq, why);
        return 0;
    }
    if (line->kind == AUDIT_KIND_PRUNE) {
        note_prune(v, line);
    }
    v->verdict.records++;
    return v->has_tree ? add_leaf(v, line->hash) : 0;
}

static int add_block(struct verification *v, const struct line_block *block, bool is_last)
{
    int error = block->error;

    if (!v->has_tree && v->verdict.records == 0 && block->count > 0 && block->line[0].seq > 0) {
        /* A segment alone: where it begins is believed. */
        v->chain.next_seq = block->line[0].seq;
        memcpy(v->chain.previous, block->line[0].previous, SHA256_SIZE);
    }
    for (size_t i = 0; error == 0 && v->verdict.intact && i < block->count; i++) {
        error = add_line(v, &block->line[i]);
    }
    if (error == 0 && v->verdict.intact && block->why != NULL) {
        condemn(v, v->chain.next_seq, block->why);
    }
    if (error == 0 && v->verdict.intact && block->torn > 0) {
        if (is_last) {
            v->verdict.torn_bytes = block->torn;
        } else {
            condemn(v, v->chain.next_seq, "a closed segment ends in the middle of a line");
        }
    }
    return error;
}

static int add_file(struct verification *v, struct segment_file *file, bool is_last)
{
    bool ended = false;
    int error = 0;

    v->verdict.segments++;
    while (error == 0 && !ended && v->verdict.intact) {
        unsigned int count = 0;

        while (count < v->batch.width && !ended) {
            int64_t length = segment_file_next(file, v->batch.block[count].text);

            if (length < 0 && length != -EBADMSG) {
                return (int)length;
            }
            if (length < 0) {
                condemn(v, v->chain.next_seq, "a segment cannot be unpacked or has no lines");
            }
            ended = length <= 0;
            v->batch.block[count].length = length < 0 ? 0 : (size_t)length;
            count += length > 0;
        }
        line_batch_read(&v->batch, count);
        for (unsigned int i = 0; error == 0 && i < count && v->verdict.intact; i++) {
            error = add_block(v, &v->batch.block[i], is_last);
        }
        if (v->options->progress != NULL) {
            v->options->progress(v->options->progress_context, v->verdict.records);
        }
    }
    return error;
}

static int add_segment(struct verification *v, int log, const struct segment_entry *entry,
                       bool is_last)
{
    struct segment_file *file;
    int error;

    if (entry->first_seq != v->chain.next_seq) {
        condemn(v, v->chain.next_seq,
                "the segment that begins here is missing or has another name");
        return 0;
    }
    error = segment_file_open(log, entry, &file);
    if (error == 0) {
        error = add_file(v, file, is_last);
        segment_file_free(file);
    }
    return error;
}

/* What only the end can tell. */
static void conclude(struct verification *v)
{
    if (v->next_head < v->head_count) {
        const struct head *head = &v->heads[v->next_head];

        condemn(v, v->tree.size,
                head->is_pin && head->checkpoint.size > v->verdict.signed_size
                    ? "a pin has seen more records than there are: the log was rolled back"
                    : "records that were signed are gone");
    }
    if (v->pruned_to < v->first_seq) {
        condemn(v, 0, "the first records are gone and no PRUNE record says so");
    }
    if (v->tile_seq != UINT64_MAX) {
        condemn(v, v->tile_seq, v->tile_why);
    }
    v->verdict.unsigned_count =
        v->tree.size > v->verdict.signed_size ? v->tree.size - v->verdict.signed_size : 0;
}

static int verify_directory(struct verification *v, struct failure *reterr)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    AUTO_CLOSE int log = openat(v->directory, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = log < 0 ? -errno : segment_list_read(log, &list);

    if (error < 0) {
        failure_set_mend(reterr, "name an audit directory: failcore audit verify DIR");
        return failure_set(reterr, error, "no log in %s: %s", v->options->path, strerror(-error));
    }
    v->has_tree = true;
    error = read_heads(v, reterr);
    if (error == 0) {
        check_heads(v); /* of the empty tree */
        v->first_seq = list.count == 0 ? 0 : list.entry[0].first_seq;
        error = add_pruned(v);
    }
    for (size_t i = 0; error == 0 && v->verdict.intact && i < list.count; i++) {
        error = add_segment(v, log, &list.entry[i], i + 1 == list.count);
    }
    if (error == 0 && v->verdict.intact) {
        conclude(v);
    }
    return error;
}

static int verify_file(struct verification *v, int fd, const char *path)
{
    size_t length = strlen(path);
    struct segment_file *file;
    int error = segment_file_from(fd, length > 4 && strcmp(path + length - 4, ".zst") == 0, &file);

    if (error == 0) {
        error = add_file(v, file, true);
        segment_file_free(file);
    }
    return error;
}

static void finish(struct verification *v)
{
    uint8_t root[SHA256_SIZE];

    hex_encode(v->chain.previous, SHA256_SIZE, v->verdict.head);
    if (v->has_tree && merkle_root(&v->tree, v->sha, root) == 0) {
        hex_encode(root, SHA256_SIZE, v->verdict.root);
    }
    producer_book_clear(&v->book);
    line_batch_clear(&v->batch);
    sha256_free(v->sha);
    free(v->heads);
}

int audit_verify(const struct audit_verify_options *options, struct audit_verdict *ret_verdict,
                 struct failure *reterr)
{
    AUTO_CLOSE int fd = open(options->path, O_RDONLY | O_CLOEXEC);
    struct verification *v = calloc(1, sizeof(*v));
    unsigned int threads =
        options->threads != 0 ? options->threads : (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
    struct stat status;
    int error = fd < 0 || fstat(fd, &status) < 0 ? -errno : 0;

    if (error == 0 &&
        (v == NULL || (v->sha = sha256_new()) == NULL || line_batch_init(&v->batch, threads) < 0)) {
        error = -ENOMEM;
    }
    if (error == 0) {
        v->options = options;
        v->verdict.intact = true;
        v->tile_seq = UINT64_MAX;
        v->directory = fd;
        error = S_ISDIR(status.st_mode) ? verify_directory(v, reterr)
                                        : verify_file(v, take_fd(&fd), options->path);
    }
    if (v != NULL) {
        finish(v);
        *ret_verdict = v->verdict;
        free(v);
    }
    if (error < 0) {
        failure_set_mend(reterr, "name an audit directory: failcore audit verify DIR");
        return failure_set(reterr, error, "cannot verify %s: %s", options->path, strerror(-error));
    }
    return 0;
}
