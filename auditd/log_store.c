#include "auditd/log_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auditd/compressor.h"
#include "auditd/tree_store.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define PENDING_BYTES (512U * 1024)
#define RANDOM_BYTES  4096U

struct log_store {
    int directory; /* borrowed */
    int log;
    int recovered;
    int segment;
    struct segment_entry open_segment;
    uint64_t segment_bytes; /* whole lines in the open segment */
    struct segment_chain chain;
    struct torn_end torn;
    uint64_t cut_bytes; /* of it, as it was found */
    struct sha256 *sha;
    struct tree_store *tree;
    struct compressor *compressor;
    char *pending;
    size_t pending_length;
    uint8_t random[RANDOM_BYTES];
    size_t random_left;
};

static int open_subdirectory(int directory, const char *name)
{
    int fd;

    if (mkdirat(directory, name, 0700) < 0 && errno != EEXIST) {
        return -errno;
    }
    fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int open_segment(struct log_store *store, const struct segment_entry *entry)
{
    AUTO_CLOSE int fd = -1;
    char name[SEGMENT_NAME_MAX];

    segment_name_format(entry, name);
    fd = openat(store->log, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fsync(store->log) < 0) {
        return -errno;
    }
    close_fd(&store->segment);
    store->segment = take_fd(&fd);
    store->open_segment = *entry;
    return 0;
}

static bool list_is_empty(int log, const struct segment_list *list)
{
    char name[SEGMENT_NAME_MAX];
    struct stat status;

    if (list->count == 0) {
        return true;
    }
    segment_name_format(&list->entry[0], name);
    return list->count == 1 && fstatat(log, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_size == 0;
}

static int settle_torn(struct log_store *store)
{
    return torn_end_settle(&store->torn, store->recovered, store->segment, store->segment_bytes);
}

static int recover(struct log_store *store, log_line_handler *on_line, void *context,
                   struct failure *reterr)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    struct log_recovery recovery = {.directory = store->directory,
                                    .log = store->log,
                                    .sha = store->sha,
                                    .on_line = on_line,
                                    .context = context};
    int error = segment_list_read(store->log, &list);

    if (error < 0) {
        return failure_set(reterr, error, "cannot list the log: %s", strerror(-error));
    }
    error = tree_store_open(store->directory, list_is_empty(store->log, &list), store->sha,
                            &store->tree, reterr);
    if (error < 0) {
        return error;
    }
    recovery.tree = store->tree;
    error = log_recovery_run(&recovery, &list, reterr);
    store->torn = recovery.torn;
    store->cut_bytes = recovery.torn.text.length;
    if (error < 0) {
        return error;
    }
    store->chain = recovery.chain;
    store->segment_bytes = recovery.segment_bytes;
    if (recovery.open_segment.is_compressed) {
        recovery.open_segment = (struct segment_entry){.first_seq = store->chain.next_seq};
        store->segment_bytes = 0;
    }
    error = open_segment(store, &recovery.open_segment);
    if (error < 0) {
        return failure_set(reterr, error, "cannot open the log: %s", strerror(-error));
    }
    error = settle_torn(store);
    if (error < 0 && error != -ENOSPC && error != -EDQUOT) {
        return failure_set(reterr, error, "cannot cut the torn end of the log: %s",
                           strerror(-error));
    }
    for (size_t i = 0; i < list.count; i++) {
        if (!list.entry[i].is_compressed &&
            list.entry[i].first_seq != store->open_segment.first_seq) {
            compressor_add(store->compressor, list.entry[i].first_seq);
        }
    }
    return 0;
}

int log_store_open(int directory, log_line_handler *on_line, void *context,
                   struct log_store **ret_store, struct failure *reterr)
{
    struct log_store *store = calloc(1, sizeof(*store));
    int error;

    if (store == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    store->directory = directory;
    store->segment = -1;
    store->log = open_subdirectory(directory, "log");
    store->recovered = open_subdirectory(directory, "recovered");
    store->sha = sha256_new();
    store->pending = malloc(PENDING_BYTES);
    error = store->log < 0                                 ? store->log
            : store->recovered < 0                         ? store->recovered
            : store->sha == NULL || store->pending == NULL ? -ENOMEM
                                                           : 0;
    if (error == 0) {
        store->compressor = compressor_new(store->log);
        error = store->compressor == NULL ? -ENOMEM : 0;
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot open the log's directories: %s", strerror(-error));
    } else {
        error = recover(store, on_line, context, reterr);
    }
    if (error < 0) {
        log_store_free(store);
        return error;
    }
    *ret_store = store;
    return 0;
}

void log_store_free(struct log_store *store)
{
    if (store == NULL) {
        return;
    }
    compressor_free(store->compressor);
    torn_end_clear(&store->torn);
    tree_store_free(store->tree);
    close_fd(&store->segment);
    close_fd(&store->recovered);
    close_fd(&store->log);
    sha256_free(store->sha);
    free(store->pending);
    free(store);
}

const char *log_store_origin(const struct log_store *store)
{
    return tree_store_origin(store->tree);
}

uint64_t log_store_cut_bytes(const struct log_store *store)
{
    return store->cut_bytes;
}

uint64_t log_store_next_seq(const struct log_store *store)
{
    return store->chain.next_seq;
}

uint64_t log_store_segment_bytes(const struct log_store *store)
{
    return store->segment_bytes;
}

uint64_t log_store_unsigned(const struct log_store *store)
{
    return tree_store_size(store->tree) - tree_store_signed_size(store->tree);
}

static int next_id(struct log_store *store, uint8_t id[static 16])
{
    if (store->random_left < 16) {
        size_t filled = 0;

        /* Up to 256 bytes never come short (getrandom(2)). */
        while (filled < RANDOM_BYTES) {
            if (getrandom(store->random + filled, 256, 0) != 256) {
                return -EIO;
            }
            filled += 256;
        }
        store->random_left = RANDOM_BYTES;
    }
    store->random_left -= 16;
    memcpy(id, store->random + store->random_left, 16);
    return 0;
}

int log_store_append(struct log_store *store, const struct event_record *record,
                     struct record_context *context)
{
    uint8_t hash[SHA256_SIZE];
    int length;
    int error;

    if (PENDING_BYTES - store->pending_length < RECORD_LINE_MAX) {
        return -EAGAIN;
    }
    context->seq = store->chain.next_seq;
    hex_encode(store->chain.previous, SHA256_SIZE, context->previous_hash);
    context->tree_size = tree_store_signed_size(store->tree);
    snprintf(context->tree_root, sizeof(context->tree_root), "%s",
             tree_store_signed_root(store->tree));
    if (next_id(store, context->id) < 0) {
        return -EIO;
    }
    length = record_line_write(record, context, store->sha, store->pending + store->pending_length,
                               hash);
    if (length < 0) {
        return length;
    }
    error = tree_store_append(store->tree, hash);
    if (error < 0) {
        return error;
    }
    store->pending_length += (size_t)length;
    store->chain.next_seq++;
    memcpy(store->chain.previous, hash, SHA256_SIZE);
    return 0;
}

bool log_store_has_pending(const struct log_store *store)
{
    return store->pending_length > 0;
}

/* What a write that stopped early left: whole lines stay, the torn one goes. */
static int keep_whole_lines(struct log_store *store, size_t written)
{
    const char *newline = memrchr(store->pending, '\n', written);
    size_t whole = newline == NULL ? 0 : (size_t)(newline - store->pending) + 1;

    if (ftruncate(store->segment, (off_t)(store->segment_bytes + whole)) < 0) {
        return -EIO;
    }
    store->segment_bytes += whole;
    store->pending_length -= whole;
    memmove(store->pending, store->pending + whole, store->pending_length);
    return 0;
}

int log_store_write(struct log_store *store)
{
    size_t written = 0;
    int error = settle_torn(store);

    while (error == 0 && written < store->pending_length) {
        ssize_t more =
            write(store->segment, store->pending + written, store->pending_length - written);

        if (more < 0 && errno != EINTR) {
            error = -errno;
            return keep_whole_lines(store, written) < 0 ? -EIO : error;
        }
        written += more < 0 ? 0 : (size_t)more;
    }
    if (error < 0) {
        return error;
    }
    store->segment_bytes += written;
    store->pending_length = 0;
    return tree_store_write(store->tree);
}

int log_store_sync(struct log_store *store)
{
    return fdatasync(store->segment) < 0 ? -errno : 0;
}

int log_store_checkpoint(struct log_store *store)
{
    int error;

    if (store->pending_length > 0) {
        return -EBUSY;
    }
    error = log_store_sync(store);
    return error < 0 ? error : tree_store_checkpoint(store->tree);
}

int log_store_rotate(struct log_store *store)
{
    const struct segment_entry entry = {.first_seq = store->chain.next_seq};
    uint64_t closed = store->open_segment.first_seq;
    int error;

    if (store->pending_length > 0 || entry.first_seq == closed) {
        return -EBUSY;
    }
    error = open_segment(store, &entry);
    if (error < 0) {
        return error;
    }
    store->segment_bytes = 0;
    compressor_add(store->compressor, closed);
    return 0;
}

/* Under either name: the compressor may have packed it since it was listed. */
static int stat_segment(int log, const struct segment_entry *entry, struct stat *ret_status)
{
    struct segment_entry found = *entry;
    char name[SEGMENT_NAME_MAX];

    segment_name_format(&found, name);
    if (fstatat(log, name, ret_status, AT_SYMLINK_NOFOLLOW) == 0) {
        return 0;
    }
    if (errno != ENOENT || found.is_compressed) {
        return -errno;
    }
    found.is_compressed = true;
    segment_name_format(&found, name);
    return fstatat(log, name, ret_status, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int log_store_prune_limit(struct log_store *store, uint64_t max_bytes, uint64_t max_age_s,
                          uint64_t *ret_first, uint64_t *ret_before_seq)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    int error = segment_list_read(store->log, &list);
    time_t now = time(NULL);
    uint64_t bytes = 0;

    if (error < 0) {
        return error;
    }
    *ret_first = list.count == 0 ? 0 : list.entry[0].first_seq;
    *ret_before_seq = *ret_first;
    /* From the newest to the oldest; the open one is always kept. */
    for (size_t i = list.count; i-- > 0;) {
        struct stat status;
        bool old;

        if (list.entry[i].first_seq == store->open_segment.first_seq) {
            continue;
        }
        error = stat_segment(store->log, &list.entry[i], &status);
        if (error < 0) {
            return error;
        }
        bytes += (uint64_t)status.st_size;
        /* A clock that was set back finds segments of the future: they have no age. */
        old = now > status.st_mtime && (uint64_t)(now - status.st_mtime) > max_age_s;
        if (bytes > max_bytes || old) {
            *ret_before_seq = list.entry[i + 1].first_seq;
            break;
        }
    }
    return 0;
}

static int unlink_segments(struct log_store *store, uint64_t before_seq)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    int error = segment_list_read(store->log, &list);

    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i + 1 < list.count && list.entry[i + 1].first_seq <= before_seq; i++) {
        for (int form = 0; form < 2; form++) {
            struct segment_entry entry = {.first_seq = list.entry[i].first_seq,
                                          .is_compressed = form == 1};
            char name[SEGMENT_NAME_MAX];

            segment_name_format(&entry, name);
            if (unlinkat(store->log, name, 0) < 0 && errno != ENOENT) {
                return -errno;
            }
        }
    }
    return 0;
}

int log_store_prune(struct log_store *store, uint64_t before_seq)
{
    int error;

    compressor_pause(store->compressor);
    error = unlink_segments(store, before_seq);
    compressor_resume(store->compressor);
    if (error < 0) {
        return error;
    }
    return fsync(store->log) < 0 ? -errno : 0;
}
