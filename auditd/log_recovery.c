#include "auditd/log_recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/audit/tile.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

static int tampered(const struct log_recovery *recovery, const char *why, struct failure *reterr)
{
    failure_set_mend(reterr, "failcore audit verify; then begin a new log in another directory");
    return failure_set(reterr, -EBADMSG, "the log was changed: seq %" PRIu64 ": %s",
                       recovery->chain.next_seq, why);
}

/* The leaf `seq` as the tiles of the signed tree have it. */
static int signed_leaf(const struct log_recovery *recovery, uint64_t seq,
                       uint8_t ret_hash[static SHA256_SIZE])
{
    uint64_t size = tree_store_signed_size(recovery->tree);
    uint64_t index = seq / MERKLE_TILE_WIDTH;
    unsigned int width = size / MERKLE_TILE_WIDTH > index
                             ? MERKLE_TILE_WIDTH
                             : (unsigned int)(size % MERKLE_TILE_WIDTH);
    struct merkle_tile tile;
    int error = seq >= size ? -ENOENT : tile_read(recovery->directory, 0, index, width, &tile);

    if (error == 0) {
        memcpy(ret_hash, tile.hash[seq % MERKLE_TILE_WIDTH], SHA256_SIZE);
    }
    return error;
}

static int recover_line(struct log_recovery *recovery, struct str_view text, struct failure *reterr)
{
    uint64_t tree_size = tree_store_size(recovery->tree);
    struct segment_line line;
    uint8_t leaf[SHA256_SIZE];
    const char *why = "";
    int error = 0;

    if (segment_line_read(text, recovery->sha, &line, &why) < 0 ||
        segment_chain_add(&recovery->chain, &line, &why) < 0) {
        return tampered(recovery, why, reterr);
    }
    if (line.seq >= tree_size) {
        error = tree_store_append(recovery->tree, line.hash);
    } else if (line.seq + 1 == tree_size && (signed_leaf(recovery, line.seq, leaf) < 0 ||
                                             memcmp(leaf, line.hash, SHA256_SIZE) != 0)) {
        error = -EKEYREJECTED;
    }
    if (error == -EKEYREJECTED) {
        return tampered(recovery, "the records before it are not those that were signed", reterr);
    }
    if (error < 0) {
        return failure_set(reterr, error, "cannot make the log's tree: %s", strerror(-error));
    }
    recovery->on_line(recovery->context, &line);
    return 0;
}

static int keep_torn(struct log_recovery *recovery, struct str_view text, bool is_last,
                     struct failure *reterr)
{
    if (text.length == 0) {
        return 0;
    }
    if (!is_last || recovery->open_segment.is_compressed) {
        return tampered(recovery, "a closed segment ends in the middle of a line", reterr);
    }
    recovery->torn.seq = recovery->chain.next_seq;
    text_buffer_append(&recovery->torn.text, text);
    return text_buffer_error(&recovery->torn.text) < 0 ? failure_set(reterr, -ENOMEM, "no memory")
                                                       : 0;
}

static int recover_segment(struct log_recovery *recovery, const struct segment_entry *entry,
                           bool is_last, struct failure *reterr)
{
    AUTO_FREE char *block = malloc(SEGMENT_BLOCK_BYTES);
    AUTO(text_buffer_clear) struct text_buffer torn = {0};
    struct segment_file *file;
    int64_t length;
    int error = block == NULL ? -ENOMEM : segment_file_open(recovery->log, entry, &file);

    if (error < 0) {
        return failure_set(reterr, error, "cannot read the log: %s", strerror(-error));
    }
    recovery->open_segment = *entry;
    recovery->segment_bytes = 0;
    while (error == 0 && (length = segment_file_next(file, block)) > 0) {
        struct str_view rest = {.bytes = block, .length = (size_t)length};
        struct str_view line;

        while (error == 0 && segment_take_line(&rest, &line)) {
            error = recover_line(recovery, line, reterr);
            recovery->segment_bytes += line.length + 1;
        }
        text_buffer_append(&torn, rest);
    }
    segment_file_free(file);
    if (error == 0 && length < 0) {
        return failure_set(reterr, (int)length, "cannot read the log: %s", strerror((int)-length));
    }
    return error < 0 ? error : keep_torn(recovery, text_buffer_view(&torn), is_last, reterr);
}

/* The last segment that begins at or before the tree's end: everything from there is read. */
static size_t first_to_read(const struct log_recovery *recovery, const struct segment_list *list)
{
    uint64_t size = tree_store_size(recovery->tree);
    size_t first = 0;

    while (first + 1 < list->count && list->entry[first + 1].first_seq < size) {
        first++;
    }
    return first;
}

int log_recovery_run(struct log_recovery *recovery, const struct segment_list *list,
                     struct failure *reterr)
{
    size_t at = list->count == 0 ? 0 : first_to_read(recovery, list);
    int error = 0;

    if (list->count > 0 && list->entry[at].first_seq > 0) {
        recovery->chain.next_seq = list->entry[at].first_seq;
        if (list->entry[at].first_seq > tree_store_size(recovery->tree) ||
            signed_leaf(recovery, recovery->chain.next_seq - 1, recovery->chain.previous) < 0) {
            return tampered(recovery, "the records before it are gone", reterr);
        }
    }
    for (; error == 0 && at < list->count; at++) {
        if (list->entry[at].first_seq != recovery->chain.next_seq) {
            return tampered(recovery, "the segment that begins here is missing", reterr);
        }
        error = recover_segment(recovery, &list->entry[at], at + 1 == list->count, reterr);
    }
    if (error == 0 && recovery->chain.next_seq < tree_store_signed_size(recovery->tree)) {
        return tampered(recovery, "records that were signed are gone", reterr);
    }
    return error;
}
