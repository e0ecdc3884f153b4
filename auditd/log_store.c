#include "auditd/log_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared/audit/segment.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define PENDING_BYTES (512U * 1024)
#define RANDOM_BYTES  4096U

struct log_store {
    int log; /* the directory log/ */
    int recovered;
    int segment;
    uint64_t segment_bytes; /* whole lines in the open segment */
    uint64_t next_seq;
    uint64_t next_producer;
    uint64_t cut_bytes;
    char head[SHA256_HEX_SIZE];
    struct sha256 *sha;
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

/* The newest segment's first seq; *ret_found is false in an empty log. */
static int find_newest(int log, uint64_t *ret_first, bool *ret_found)
{
    AUTO_CLOSEDIR DIR *listing = NULL;
    struct dirent *entry;
    int fd = openat(log, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret_found = false;
    *ret_first = 0;
    if (fd < 0 || (listing = fdopendir(fd)) == NULL) {
        return -errno;
    }
    while ((entry = readdir(listing)) != NULL) {
        uint64_t first;

        if (segment_name_parse(entry->d_name, &first) && (!*ret_found || first >= *ret_first)) {
            *ret_first = first;
            *ret_found = true;
        }
    }
    return 0;
}

static int save_torn(struct log_store *store, const char *bytes, size_t length)
{
    AUTO_CLOSE int fd = -1;
    char name[64];
    int error;

    snprintf(name, sizeof(name), "%" PRIu64 "-%lld.torn", store->next_seq, (long long)time(NULL));
    fd = openat(store->recovered, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, bytes, length);
    return error < 0 ? error : fsync(fd) < 0 ? -errno : 0;
}

/* Reads the open segment: its chain must hold, its torn tail is kept elsewhere and cut. */
static int recover_text(struct log_store *store, struct str_view text, struct failure *reterr)
{
    struct segment_reader reader = segment_reader_init(text, store->next_seq, store->head);
    struct segment_line line;
    int error;

    while ((error = segment_reader_next(&reader, store->sha, &line)) > 0) {
        if (line.producer >= store->next_producer) {
            store->next_producer = line.producer + 1;
        }
    }
    if (error < 0) {
        failure_set_mend(reterr,
                         "failcore audit verify; then begin a new log in another directory");
        return failure_set(reterr, error, "the log was changed: seq %" PRIu64 ": %s",
                           reader.next_seq, reader.why);
    }
    store->next_seq = reader.next_seq;
    memcpy(store->head, reader.previous_hash, sizeof(store->head));
    store->segment_bytes = reader.offset;
    store->cut_bytes = text.length - reader.offset;
    if (store->cut_bytes > 0) {
        error = save_torn(store, text.bytes + reader.offset, text.length - reader.offset);
        if (error == 0 && ftruncate(store->segment, (off_t)reader.offset) < 0) {
            error = -errno;
        }
        if (error < 0) {
            return failure_set(reterr, error, "cannot cut the torn end of the log: %s",
                               strerror(-error));
        }
    }
    return 0;
}

static int recover(struct log_store *store, struct failure *reterr)
{
    struct stat status;
    void *mapped;
    int error;

    if (fstat(store->segment, &status) < 0) {
        return failure_set(reterr, -errno, "cannot look at the log: %s", strerror(errno));
    }
    if (status.st_size == 0) {
        return 0;
    }
    mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, store->segment, 0);
    if (mapped == MAP_FAILED) {
        return failure_set(reterr, -errno, "cannot read the log: %s", strerror(errno));
    }
    error = recover_text(
        store, (struct str_view){.bytes = mapped, .length = (size_t)status.st_size}, reterr);
    munmap(mapped, (size_t)status.st_size);
    return error;
}

static int open_newest_segment(struct log_store *store, struct failure *reterr)
{
    char name[SEGMENT_NAME_MAX];
    uint64_t first;
    bool found;
    int error = find_newest(store->log, &first, &found);

    if (error < 0) {
        return failure_set(reterr, error, "cannot list the log: %s", strerror(-error));
    }
    memset(store->head, '0', SHA256_HEX_SIZE - 1);
    segment_name_format(first, name);
    store->next_seq = first;
    store->segment =
        openat(store->log, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->segment < 0 || fsync(store->log) < 0) {
        return failure_set(reterr, -errno, "cannot open the log: %s", strerror(errno));
    }
    return recover(store, reterr);
}

int log_store_open(int directory, struct log_store **ret_store, struct failure *reterr)
{
    struct log_store *store = calloc(1, sizeof(*store));
    int error;

    if (store == NULL) {
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    store->segment = -1;
    store->log = open_subdirectory(directory, "log");
    store->recovered = open_subdirectory(directory, "recovered");
    store->sha = sha256_new();
    store->pending = malloc(PENDING_BYTES);
    error = store->log < 0                                 ? store->log
            : store->recovered < 0                         ? store->recovered
            : store->sha == NULL || store->pending == NULL ? -ENOMEM
                                                           : 0;
    if (error < 0) {
        failure_set(reterr, error, "cannot open the log's directories: %s", strerror(-error));
    } else {
        error = open_newest_segment(store, reterr);
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
    close_fd(&store->segment);
    close_fd(&store->recovered);
    close_fd(&store->log);
    sha256_free(store->sha);
    free(store->pending);
    free(store);
}

uint64_t log_store_cut_bytes(const struct log_store *store)
{
    return store->cut_bytes;
}

uint64_t log_store_next_producer(const struct log_store *store)
{
    return store->next_producer;
}

uint64_t log_store_next_seq(const struct log_store *store)
{
    return store->next_seq;
}

static int next_id(struct log_store *store, uint8_t id[static 16])
{
    if (store->random_left < 16) {
        if (getrandom(store->random, RANDOM_BYTES, 0) != (ssize_t)RANDOM_BYTES) {
            return -EIO;
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

    if (PENDING_BYTES - store->pending_length < RECORD_LINE_MAX) {
        return -EAGAIN;
    }
    context->seq = store->next_seq;
    memcpy(context->previous_hash, store->head, sizeof(store->head));
    if (next_id(store, context->id) < 0) {
        return -EIO;
    }
    length = record_line_write(record, context, store->sha, store->pending + store->pending_length,
                               hash);
    if (length < 0) {
        return length;
    }
    store->pending_length += (size_t)length;
    store->next_seq++;
    hex_encode(hash, sizeof(hash), store->head);
    return 0;
}

bool log_store_has_pending(const struct log_store *store)
{
    return store->pending_length > 0;
}

int log_store_write(struct log_store *store)
{
    int error;

    if (store->pending_length == 0) {
        return 0;
    }
    error = write_all(store->segment, store->pending, store->pending_length);
    if (error < 0) {
        /* Part of it may be there: back to whole lines. The pending text stays for the next try. */
        if (ftruncate(store->segment, (off_t)store->segment_bytes) < 0) {
            return -EIO;
        }
        return error;
    }
    store->segment_bytes += store->pending_length;
    store->pending_length = 0;
    return 0;
}

int log_store_sync(struct log_store *store)
{
    return fdatasync(store->segment) < 0 ? -errno : 0;
}
