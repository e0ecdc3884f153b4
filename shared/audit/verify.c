/*
 * One pass over the records. Lines are read in parallel (line_stream.h); chain, ledger and tree
 * follow in order. Where the tree has the size of a signed head (the checkpoint, a pin) its root
 * must be that head's. Tiles are held against the tree that the records make: the records are what
 * counts, but a differing tile names the record that was exchanged.
 *
 * A log may have a writer meanwhile, and several files are never read at one moment: segments may
 * have come or gone since the checkpoint was read. So where files do not fit together, and by now
 * more is signed or the oldest segment has gone, the log is read again; what a record says is
 * final.
 */
#include "shared/audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/signed_head.h"
#include "shared/audit/verification.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define MOVED_MAX 16U /* a writer that rotates faster than we read, each time */

void verification_condemn(struct verification *v, uint64_t seq, const char *why)
{
    if (v->verdict.intact) {
        v->verdict.intact = false;
        v->verdict.bad_seq = seq;
        snprintf(v->verdict.why, sizeof(v->verdict.why), "%s", why);
    }
}

void verification_condemn_files(struct verification *v, uint64_t seq, const char *why)
{
    v->may_have_moved |= v->verdict.intact;
    verification_condemn(v, seq, why);
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

static int add_line(struct verification *v, const struct segment_line *line)
{
    const char *why = "";

    if (segment_chain_add(&v->chain, line, &why) < 0) {
        if (line->seq == v->chain.next_seq && verification_last_was_exchanged(v)) {
            verification_condemn(
                v, v->chain.next_seq - 1,
                "not the record that was signed: changed, and its hash made again");
        }
        verification_condemn(v, v->chain.next_seq, why);
        return 0;
    }
    if (v->has_tree && producer_book_add(&v->book, line, v->first_seq > 0, &why) < 0) {
        verification_condemn(v, line->seq, why);
        return 0;
    }
    if (line->kind == AUDIT_KIND_PRUNE) {
        note_prune(v, line);
    }
    v->verdict.records++;
    return v->has_tree ? verification_add_leaf(v, line->hash) : 0;
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
        verification_condemn(v, v->chain.next_seq, block->why);
    }
    if (error == 0 && v->verdict.intact && block->torn > 0) {
        if (is_last) {
            v->verdict.torn_bytes = block->torn;
        } else {
            verification_condemn(v, v->chain.next_seq,
                                 "a closed segment ends in the middle of a line");
        }
    }
    return error;
}

static int add_file(struct verification *v, struct segment_file *file, bool is_last)
{
    const struct line_block *block;
    int error = 0;

    v->verdict.segments++;
    line_stream_begin(v->stream, file);
    while (error == 0 && v->verdict.intact && (block = line_stream_next(v->stream)) != NULL) {
        if (block->error == -EBADMSG) {
            verification_condemn(v, v->chain.next_seq,
                                 "a segment cannot be unpacked or has no lines");
        } else {
            error = add_block(v, block, is_last);
        }
        if (v->options->progress != NULL) {
            v->options->progress(v->options->progress_context, v->verdict.records);
        }
    }
    line_stream_end(v->stream);
    return error;
}

static void hold_segments(struct verification *v, int log, struct segment_list *list)
{
    while (v->held_count < HELD_MAX && v->held_count < list->count) {
        int fd = segment_open(log, &list->entry[v->held_count]);

        v->held[v->held_count++] = fd < 0 ? -1 : fd;
    }
}

static int open_segment(struct verification *v, int log, const struct segment_list *list, size_t at,
                        struct segment_file **ret_file)
{
    return at < v->held_count && v->held[at] >= 0
               ? segment_file_from(take_fd(&v->held[at]), list->entry[at].is_compressed, ret_file)
               : segment_file_open(log, &list->entry[at], ret_file);
}

static int add_segment(struct verification *v, int log, const struct segment_list *list, size_t at)
{
    const struct segment_entry *entry = &list->entry[at];
    bool is_last = at + 1 == list->count;
    struct segment_file *file;
    int error;

    if (entry->first_seq != v->chain.next_seq) {
        verification_condemn_files(v, v->chain.next_seq,
                                   "the segment that begins here is missing or has another name");
        return 0;
    }
    error = open_segment(v, log, list, at, &file);
    if (error == -ENOENT) {
        verification_condemn_files(v, v->chain.next_seq, "the segment that begins here is missing");
        return 0;
    }
    if (error == -EBADMSG) {
        verification_condemn_files(v, v->chain.next_seq,
                                   "the segment that begins here is not a file");
        return 0;
    }
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
        const struct signed_head *head = &v->heads[v->next_head];

        verification_condemn_files(
            v, v->tree.size,
            head->is_pin && head->checkpoint.size > v->verdict.signed_size
                ? "a pin has seen more records than there are: the log was rolled back"
                : "records that were signed are gone");
    }
    if (v->pruned_to < v->first_seq) {
        verification_condemn_files(v, 0, "the first records are gone and no PRUNE record says so");
    }
    if (v->tile_seq != UINT64_MAX) {
        verification_condemn_files(v, v->tile_seq, v->tile_why);
    }
    v->verdict.unsigned_count =
        v->tree.size > v->verdict.signed_size ? v->tree.size - v->verdict.signed_size : 0;
}

static int verify_segments(struct verification *v, int log, struct failure *reterr)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    int error = segment_list_read(log, &list);

    if (error < 0) {
        return failure_set(reterr, error, "cannot list the log: %s", strerror(-error));
    }
    hold_segments(v, log, &list);
    verification_check_heads(v); /* of the empty tree */
    v->first_seq = list.count == 0 ? 0 : list.entry[0].first_seq;
    error = verification_add_pruned(v);
    for (size_t i = 0; error == 0 && v->verdict.intact && i < list.count; i++) {
        error = add_segment(v, log, &list, i);
    }
    if (error == 0 && v->verdict.intact) {
        conclude(v);
    }
    return error;
}

/* No log: its key is gone too, so a pin cannot be judged. That there is one says enough. */
static int condemn_missing(struct verification *v, int error, struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct failure ignored = {0};
    char why[sizeof(v->verdict.why)];

    for (size_t i = 0; i < v->options->pin_count; i++) {
        const char *size;

        text_buffer_reset(&note);
        if (audit_note_read(AT_FDCWD, v->options->pins[i], &note, &ignored) == 0 &&
            (size = strchr(text_buffer_text(&note), '\n')) != NULL) {
            snprintf(why, sizeof(why), "a pin has seen %" PRIu64 " records and there is no log",
                     (uint64_t)strtoull(size + 1, NULL, 10));
            verification_condemn(v, 0, why);
            return 0;
        }
    }
    if (error == -ENOENT) {
        failure_set_mend(reterr, "name an audit directory, or the pin that was kept of this one: "
                                 "failcore audit verify --pin CHECKPOINT DIR");
        return failure_set(reterr, error,
                           "there is no log in %s: nothing was recorded there, or all of it was "
                           "removed; no pin says which",
                           v->options->path);
    }
    return failure_set(reterr, error, "no log in %s: %s", v->options->path, strerror(-error));
}

/* The heads before the segments: what is missing then has been signed anew since (has_moved()). */
static int verify_directory(struct verification *v, struct failure *reterr)
{
    AUTO_CLOSE int log = openat(v->directory, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error;

    if (log < 0) {
        return condemn_missing(v, -errno, reterr);
    }
    v->has_tree = true;
    error = segment_list_strays(log, v->verdict.stray, &v->verdict.strays);
    if (error < 0) {
        return failure_set(reterr, error, "cannot list the log: %s", strerror(-error));
    }
    error = verification_read_heads(v, reterr);
    return error < 0 || !v->verdict.intact ? error : verify_segments(v, log, reterr);
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

/* Have segments gone since we listed them? They go after the checkpoint that covers their PRUNE. */
static bool segments_have_gone(const struct verification *v, int directory)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    AUTO_CLOSE int log = openat(directory, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return log >= 0 && segment_list_read(log, &list) == 0 && list.count > 0 &&
           list.entry[0].first_seq > v->first_seq;
}

static bool checkpoint_is_newer(const struct verification *v, int directory)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    struct failure ignored = {0};
    struct checkpoint now;

    return audit_note_read(directory, "checkpoint", &note, &ignored) == 0 &&
           checkpoint_open(text_buffer_view(&note), &v->key, &now) == 0 &&
           (now.size > v->verdict.signed_size || !v->verdict.has_signature);
}

/* Is the log another one than the one we went by? */
static bool has_moved(const struct verification *v, const char *path)
{
    AUTO_CLOSE int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return v->may_have_moved && directory >= 0 &&
           (checkpoint_is_newer(v, directory) || segments_have_gone(v, directory));
}

static void clear(struct verification *v)
{
    for (size_t i = 0; i < v->held_count; i++) {
        close_fd(&v->held[i]);
    }
    producer_book_clear(&v->book);
    line_stream_free(v->stream);
    sha256_free(v->sha);
    free(v->heads);
}

static int prepare(struct verification *v, const struct audit_verify_options *options)
{
    unsigned int threads =
        options->threads != 0 ? options->threads : (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);

    *v = (struct verification){.options = options,
                               .verdict = {.intact = true},
                               .tile_seq = UINT64_MAX,
                               .sha = sha256_new()};
    return v->sha == NULL ? -ENOMEM : line_stream_new(threads, &v->stream);
}

/* The log as it is now. */
static int verify_once(struct verification *v, const struct audit_verify_options *options,
                       struct failure *reterr)
{
    AUTO_CLOSE int fd = open(options->path, O_RDONLY | O_CLOEXEC);
    uint8_t root[SHA256_SIZE];
    struct stat status;
    int error = fd < 0 || fstat(fd, &status) < 0 ? -errno : 0;

    if (error < 0) {
        return error;
    }
    if (S_ISDIR(status.st_mode)) {
        v->directory = fd;
        error = verify_directory(v, reterr);
    } else {
        error = verify_file(v, take_fd(&fd), options->path);
    }
    hex_encode(v->chain.previous, SHA256_SIZE, v->verdict.head);
    if (v->has_tree && merkle_root(&v->tree, v->sha, root) == 0) {
        hex_encode(root, SHA256_SIZE, v->verdict.root);
    }
    return error;
}

int audit_verify(const struct audit_verify_options *options, struct audit_verdict *ret_verdict,
                 struct failure *reterr)
{
    struct verification *v = calloc(1, sizeof(*v));
    bool again = v != NULL;
    int error = v == NULL ? -ENOMEM : 0;

    for (unsigned int tries = 0; error == 0 && again; tries++) {
        error = prepare(v, options);
        if (error == 0) {
            error = verify_once(v, options, reterr);
        }
        *ret_verdict = v->verdict;
        again = error == 0 && tries < MOVED_MAX && has_moved(v, options->path);
        clear(v);
    }
    free(v);
    if (error < 0) {
        failure_set_mend(reterr, "name an audit directory: failcore audit verify DIR");
        return failure_set(reterr, error, "cannot verify %s: %s", options->path, strerror(-error));
    }
    return 0;
}
