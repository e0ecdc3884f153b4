#include "shared/audit/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/audit/segment.h"
#include "shared/base/cleanup.h"

struct segment_list {
    uint64_t *first;
    size_t count;
    size_t room;
};

static void segment_list_clear(struct segment_list *list)
{
    free(list->first);
}

static int compare_first(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

static int list_segments(int log, struct segment_list *list)
{
    AUTO_CLOSEDIR DIR *listing = NULL;
    struct dirent *entry;
    int fd = openat(log, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || (listing = fdopendir(fd)) == NULL) {
        return -errno;
    }
    while ((entry = readdir(listing)) != NULL) {
        uint64_t first;

        if (!segment_name_parse(entry->d_name, &first)) {
            continue;
        }
        if (list->count == list->room) {
            size_t room = list->room == 0 ? 64 : list->room * 2;
            uint64_t *grown = realloc(list->first, room * sizeof(*grown));

            if (grown == NULL) {
                return -ENOMEM;
            }
            list->first = grown;
            list->room = room;
        }
        list->first[list->count++] = first;
    }
    if (list->count > 0) {
        qsort(list->first, list->count, sizeof(*list->first), compare_first);
    }
    return 0;
}

struct verification {
    struct audit_verdict verdict;
    struct sha256 *sha;
    uint64_t next_seq;
    char head[SHA256_HEX_SIZE];
};

static void condemn(struct verification *verification, uint64_t seq, const char *why)
{
    verification->verdict.intact = false;
    verification->verdict.bad_seq = seq;
    snprintf(verification->verdict.why, sizeof(verification->verdict.why), "%s", why);
}

static void verify_text(struct verification *verification, struct str_view text, bool is_last)
{
    struct segment_reader reader =
        segment_reader_init(text, verification->next_seq, verification->head);
    struct segment_line line;
    int got;

    while ((got = segment_reader_next(&reader, verification->sha, &line)) > 0) {
        verification->verdict.records++;
    }
    verification->next_seq = reader.next_seq;
    memcpy(verification->head, reader.previous_hash, sizeof(verification->head));
    if (got < 0) {
        condemn(verification, reader.next_seq, reader.why);
    } else if (reader.offset < text.length && !is_last) {
        condemn(verification, reader.next_seq, "a closed segment ends in the middle of a line");
    } else {
        verification->verdict.torn_bytes = text.length - reader.offset;
    }
}

static int verify_file(struct verification *verification, int fd, bool is_last)
{
    struct stat status;
    void *mapped;

    if (fstat(fd, &status) < 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return -EINVAL;
    }
    verification->verdict.segments++;
    if (status.st_size == 0) {
        return 0;
    }
    mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    madvise(mapped, (size_t)status.st_size, MADV_SEQUENTIAL);
    verify_text(verification, (struct str_view){.bytes = mapped, .length = (size_t)status.st_size},
                is_last);
    munmap(mapped, (size_t)status.st_size);
    return 0;
}

static int verify_directory(struct verification *verification, int directory)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    AUTO_CLOSE int log = openat(directory, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = log < 0 ? -errno : list_segments(log, &list);

    if (error < 0) {
        return error;
    }
    if (list.count == 0) {
        return -ENOENT;
    }
    for (size_t i = 0; error == 0 && verification->verdict.intact && i < list.count; i++) {
        AUTO_CLOSE int segment = -1;
        char name[SEGMENT_NAME_MAX];

        if (list.first[i] != verification->next_seq) {
            condemn(verification, verification->next_seq,
                    "the segment that begins here is missing or has another name");
            break;
        }
        segment_name_format(list.first[i], name);
        segment = openat(log, name, O_RDONLY | O_CLOEXEC);
        error = segment < 0 ? -errno : verify_file(verification, segment, i + 1 == list.count);
    }
    return error;
}

/* A segment alone can be judged only from the beginning of the log. */
static int verify_one_file(struct verification *verification, int fd, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (segment_name_parse(slash == NULL ? path : slash + 1, &verification->next_seq) &&
        verification->next_seq != 0) {
        return -EOPNOTSUPP;
    }
    return verify_file(verification, fd, true);
}

int audit_verify(const char *path, struct audit_verdict *ret_verdict, struct failure *reterr)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct verification verification = {.verdict = {.intact = true}, .sha = sha256_new()};
    struct stat status;
    int error = fd < 0 || fstat(fd, &status) < 0 ? -errno : verification.sha == NULL ? -EIO : 0;

    memset(verification.head, '0', SHA256_HEX_SIZE - 1);
    if (error == 0) {
        error = S_ISDIR(status.st_mode) ? verify_directory(&verification, fd)
                                        : verify_one_file(&verification, fd, path);
    }
    sha256_free(verification.sha);
    if (error < 0) {
        failure_set_mend(reterr, "name an audit directory: failcore audit verify DIR");
        return failure_set(reterr, error, "cannot verify %s: %s", path, strerror(-error));
    }
    memcpy(verification.verdict.head, verification.head, sizeof(verification.verdict.head));
    *ret_verdict = verification.verdict;
    return 0;
}
