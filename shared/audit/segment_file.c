#include "shared/audit/segment_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define SUFFIX     ".jsonl"
#define ZST_SUFFIX ".jsonl.zst"
#define SEQ_DIGITS 20

#define READINGS_MAX 16

void segment_name_format(const struct segment_entry *entry, char name[static SEGMENT_NAME_MAX])
{
    snprintf(name, SEGMENT_NAME_MAX, "%020" PRIu64 "%s", entry->first_seq,
             entry->is_compressed ? ZST_SUFFIX : SUFFIX);
}

bool segment_name_parse(const char *name, struct segment_entry *ret_entry)
{
    struct segment_entry entry = {0};

    if (strlen(name) < SEQ_DIGITS) {
        return false;
    }
    entry.is_compressed = strcmp(name + SEQ_DIGITS, ZST_SUFFIX) == 0;
    if (!entry.is_compressed && strcmp(name + SEQ_DIGITS, SUFFIX) != 0) {
        return false;
    }
    for (size_t i = 0; i < SEQ_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9' ||
            __builtin_mul_overflow(entry.first_seq, 10U, &entry.first_seq) ||
            __builtin_add_overflow(entry.first_seq, (uint64_t)(name[i] - '0'), &entry.first_seq)) {
            return false;
        }
    }
    *ret_entry = entry;
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    const struct segment_entry *a = left;
    const struct segment_entry *b = right;

    if (a->first_seq != b->first_seq) {
        return a->first_seq < b->first_seq ? -1 : 1;
    }
    return (int)a->is_compressed - (int)b->is_compressed;
}

static int add_entry(struct segment_list *list, struct segment_entry entry)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : list->room * 2;
        struct segment_entry *grown = realloc(list->entry, room * sizeof(*grown));

        if (grown == NULL) {
            return -ENOMEM;
        }
        list->entry = grown;
        list->room = room;
    }
    list->entry[list->count++] = entry;
    return 0;
}

static void drop_doubles(struct segment_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->entry[kept - 1].first_seq != list->entry[i].first_seq) {
            list->entry[kept++] = list->entry[i];
        }
    }
    list->count = kept;
}

/* errno says why not. */
static DIR *open_listing(int log)
{
    int fd = openat(log, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);

    if (listing == NULL && fd >= 0) {
        int error = errno;

        close(fd);
        errno = error;
    }
    return listing;
}

static int read_once(int log, struct segment_list *ret_list)
{
    AUTO_CLOSEDIR DIR *listing = open_listing(log);
    AUTO(segment_list_clear) struct segment_list list = {0};
    struct dirent *row;

    if (listing == NULL) {
        return -errno;
    }
    while ((row = readdir(listing)) != NULL) {
        struct segment_entry entry;

        if (segment_name_parse(row->d_name, &entry) && add_entry(&list, entry) < 0) {
            return -ENOMEM;
        }
    }
    if (list.count > 0) {
        qsort(list.entry, list.count, sizeof(*list.entry), compare_entries);
        drop_doubles(&list);
    }
    *ret_list = list;
    list = (struct segment_list){0};
    return 0;
}

static bool lists_agree(const struct segment_list *a, const struct segment_list *b)
{
    bool agree = a->count == b->count;

    for (size_t i = 0; agree && i < a->count; i++) {
        agree = a->entry[i].first_seq == b->entry[i].first_seq;
    }
    return agree;
}

/*
 * readdir(3) may show neither name of a segment that is packed meanwhile: the new one came behind
 * its position, the old one went before it. Two readings that agree have missed none.
 */
int segment_list_read(int log, struct segment_list *ret_list)
{
    AUTO(segment_list_clear) struct segment_list list = {0};
    int error = read_once(log, &list);

    for (unsigned int tries = 0; error == 0 && tries < READINGS_MAX; tries++) {
        AUTO(segment_list_clear) struct segment_list again = {0};
        struct segment_list other;

        error = read_once(log, &again);
        if (error == 0 && lists_agree(&list, &again)) {
            break;
        }
        other = list;
        list = again;
        again = other;
    }
    if (error == 0) {
        *ret_list = list;
        list = (struct segment_list){0};
    }
    return error;
}

/* A segment that is just being packed. */
static bool is_being_packed(const char *name)
{
    struct segment_entry entry;
    char packed[SEGMENT_NAME_MAX];
    size_t length = strlen(name);

    if (length < 4 || length >= sizeof(packed) || strcmp(name + length - 4, ".new") != 0) {
        return false;
    }
    memcpy(packed, name, length - 4);
    packed[length - 4] = '\0';
    return segment_name_parse(packed, &entry);
}

int segment_list_strays(int log, char ret_name[static 64], uint64_t *ret_count)
{
    AUTO_CLOSEDIR DIR *listing = open_listing(log);
    struct dirent *row;

    if (listing == NULL) {
        return -errno;
    }
    *ret_count = 0;
    while ((row = readdir(listing)) != NULL) {
        struct segment_entry entry;

        if (strcmp(row->d_name, ".") == 0 || strcmp(row->d_name, "..") == 0 ||
            segment_name_parse(row->d_name, &entry) || is_being_packed(row->d_name)) {
            continue;
        }
        if ((*ret_count)++ == 0) {
            snprintf(ret_name, 64, "%.63s", row->d_name); /* cut, to be shown */
        }
    }
    return 0;
}

void segment_list_clear(struct segment_list *list)
{
    free(list->entry);
    *list = (struct segment_list){0};
}

struct segment_file {
    int fd;
    ZSTD_DStream *stream; /* NULL: plain */
    char *input;          /* compressed bytes */
    ZSTD_inBuffer in;
    bool ended;
    char *carry; /* the beginning of a line whose end is in the next piece */
    size_t carry_length;
};

int segment_file_from(int fd, bool is_compressed, struct segment_file **ret_file)
{
    struct segment_file *file = calloc(1, sizeof(*file));

    if (file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    file->fd = fd;
    file->carry = malloc(SEGMENT_BLOCK_BYTES);
    if (is_compressed) {
        file->stream = ZSTD_createDStream();
        file->input = malloc(ZSTD_DStreamInSize());
        file->in.src = file->input;
    }
    if (file->carry == NULL || (is_compressed && (file->stream == NULL || file->input == NULL))) {
        segment_file_free(file);
        return -ENOMEM;
    }
    *ret_file = file;
    return 0;
}

int segment_open(int log, struct segment_entry *entry)
{
    char name[SEGMENT_NAME_MAX];
    int fd;

    segment_name_format(entry, name);
    fd = open_plain_file(log, name);
    if (fd == -ENOENT && !entry->is_compressed) {
        entry->is_compressed = true; /* since it was listed */
        return segment_open(log, entry);
    }
    return fd;
}

int segment_file_open(int log, const struct segment_entry *entry, struct segment_file **ret_file)
{
    struct segment_entry found = *entry;
    int fd = segment_open(log, &found);

    return fd < 0 ? fd : segment_file_from(fd, found.is_compressed, ret_file);
}

void segment_file_free(struct segment_file *file)
{
    if (file == NULL) {
        return;
    }
    ZSTD_freeDStream(file->stream);
    free(file->input);
    free(file->carry);
    close_fd(&file->fd);
    free(file);
}

/* Up to `room` bytes of text; short only at the end. */
static int64_t read_text(struct segment_file *file, char *text, size_t room)
{
    ZSTD_outBuffer out = {.dst = text, .size = room};
    size_t hint = 1;

    if (file->stream == NULL) {
        return read_upto(file->fd, text, room);
    }
    while (out.pos < out.size) {
        if (file->in.pos == file->in.size) {
            ssize_t got = read_upto(file->fd, file->input, ZSTD_DStreamInSize());

            if (got < 0) {
                return got;
            }
            if (got == 0) {
                return hint == 0 || out.pos == 0 ? (int64_t)out.pos : -EBADMSG;
            }
            file->in.size = (size_t)got;
            file->in.pos = 0;
        }
        hint = ZSTD_decompressStream(file->stream, &out, &file->in);
        if (ZSTD_isError(hint)) {
            return -EBADMSG;
        }
    }
    return (int64_t)out.pos;
}

int64_t segment_file_next(struct segment_file *file, char block[static SEGMENT_BLOCK_BYTES])
{
    size_t length = file->carry_length;
    size_t whole;
    const char *newline;
    int64_t got;

    if (file->ended) {
        return 0;
    }
    memcpy(block, file->carry, length);
    got = read_text(file, block + length, SEGMENT_BLOCK_BYTES - length);
    if (got < 0) {
        return got;
    }
    length += (size_t)got;
    file->carry_length = 0;
    if (length < SEGMENT_BLOCK_BYTES) {
        file->ended = true;
        return (int64_t)length;
    }
    newline = memrchr(block, '\n', length);
    if (newline == NULL) {
        return -EBADMSG;
    }
    whole = (size_t)(newline - block) + 1;
    file->carry_length = length - whole;
    memcpy(file->carry, block + whole, file->carry_length);
    return (int64_t)whole;
}
