#include "shared/audit/log_lines.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "shared/audit/json_scan.h"
#include "shared/audit/segment_file.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

#define LINE_MAX_BYTES 65536U /* a record has at most 60,000 (record_line.h) */
#define BUFFER_BYTES   (1U << 20)
#define NAME_BYTES     (SEGMENT_NAME_MAX + 4) /* and ".zst" */

struct segment {
    uint64_t first_seq;
    char name[NAME_BYTES];
};

struct log_lines {
    char path[PATH_MAX];
    int directory; /* of the segments; -1: there is one file only */
    int fd;
    struct segment *segments; /* by first_seq */
    size_t segment_count;
    bool started; /* a segment is open, this one: */
    uint64_t current_first;
    char current_name[NAME_BYTES];
    char *buffer;
    size_t begin; /* of what is not given yet */
    size_t end;
    ZSTD_DStream *zstd; /* NULL: the open file is not compressed */
    char *packed;       /* compressed bytes not unpacked yet */
    ZSTD_inBuffer packed_in;
    bool frame_open; /* the compressed file ended, if it did, inside a frame */
};

static int fail(const struct log_lines *lines, int error, const char *what, struct failure *reterr)
{
    failure_set(reterr, error, "cannot read the log: %s", what);
    failure_set_needed(reterr, "%s%s%s", lines->path, lines->directory >= 0 ? "/log/" : "",
                       lines->current_name);
    return error;
}

/* ---- segments ---------------------------------------------------------------------------- */

static int segment_compare(const void *a, const void *b)
{
    const struct segment *left = a;
    const struct segment *right = b;

    if (left->first_seq != right->first_seq) {
        return left->first_seq < right->first_seq ? -1 : 1;
    }
    return strcmp(left->name, right->name); /* ".jsonl" before ".jsonl.zst" */
}

/* While a segment is being compressed it is there twice: the first of the two is taken. */
static size_t without_doubles(struct segment *segments, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || segments[kept - 1].first_seq != segments[i].first_seq) {
            segments[kept++] = segments[i];
        }
    }
    return kept;
}

static int segments_read(struct log_lines *lines)
{
    AUTO_CLOSEDIR DIR *directory = NULL;
    AUTO_FREE struct segment *segments = NULL;
    AUTO_CLOSE int fd = openat(lines->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t count = 0;
    size_t room = 0;
    struct dirent *entry;

    directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        return -errno;
    }
    (void)take_fd(&fd);
    while ((entry = readdir(directory)) != NULL) {
        struct segment_entry named;

        if (!segment_name_parse(entry->d_name, &named)) {
            continue;
        }
        if (count == room) {
            struct segment *more;

            room = room == 0 ? 16 : room * 2;
            more = reallocarray(segments, room, sizeof(*segments));
            if (more == NULL) {
                return -ENOMEM;
            }
            segments = more;
        }
        segments[count].first_seq = named.first_seq;
        memcpy(segments[count++].name, entry->d_name, strlen(entry->d_name) + 1);
    }
    if (count > 0) {
        qsort(segments, count, sizeof(*segments), segment_compare);
    }
    free(lines->segments);
    lines->segments = take_pointer(&segments);
    lines->segment_count = without_doubles(lines->segments, count);
    return 0;
}

static bool is_compressed(const char *name)
{
    return str_view_ends_with(str_view_from(name), STR_VIEW_LITERAL(".zst"));
}

/* Starts at the first byte of `fd`, which is the reader's from here on. */
static int start_file(struct log_lines *lines, int fd, bool compressed)
{
    close_fd(&lines->fd);
    lines->fd = fd;
    lines->begin = lines->end = 0;
    lines->packed_in = (ZSTD_inBuffer){0};
    lines->frame_open = false;
    ZSTD_freeDStream(lines->zstd);
    lines->zstd = NULL;
    if (!compressed) {
        return 0;
    }
    lines->zstd = ZSTD_createDStream();
    if (lines->packed == NULL) {
        lines->packed = malloc(BUFFER_BYTES);
    }
    return lines->zstd == NULL || lines->packed == NULL ? -ENOMEM : 0;
}

static int start_segment(struct log_lines *lines, size_t which)
{
    const struct segment *segment = &lines->segments[which];
    int fd = open_plain_file(lines->directory, segment->name);

    if (fd < 0) {
        return fd;
    }
    lines->started = true;
    lines->current_first = segment->first_seq;
    snprintf(lines->current_name, sizeof(lines->current_name), "%s", segment->name);
    return start_file(lines, fd, is_compressed(segment->name));
}

/* The place of the first segment behind the current one, or segment_count. */
static size_t segment_behind(const struct log_lines *lines)
{
    size_t at = 0;

    while (lines->started && at < lines->segment_count &&
           lines->segments[at].first_seq <= lines->current_first) {
        at++;
    }
    return at;
}

/* 1 when there is a segment behind the current one, whose place it gives; 0 when there is none. */
static int find_next_segment(struct log_lines *lines, size_t *ret_which)
{
    *ret_which = lines->directory < 0 ? 0 : segment_behind(lines);
    if (lines->directory >= 0 && *ret_which == lines->segment_count) {
        int error = segments_read(lines);

        if (error < 0) {
            return error;
        }
        *ret_which = segment_behind(lines);
    }
    return *ret_which < lines->segment_count;
}

/* ---- bytes ------------------------------------------------------------------------------- */

static ssize_t read_some(int fd, void *bytes, size_t length)
{
    ssize_t got;

    do {
        got = read(fd, bytes, length);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* More bytes of the open file behind `end`; 0 at its end. */
static ssize_t fill(struct log_lines *lines)
{
    ZSTD_outBuffer out;

    if (lines->fd < 0) {
        return 0;
    }
    if (lines->zstd == NULL) {
        ssize_t got = read_some(lines->fd, lines->buffer + lines->end, BUFFER_BYTES - lines->end);

        lines->end += got > 0 ? (size_t)got : 0;
        return got;
    }
    out = (ZSTD_outBuffer){.dst = lines->buffer + lines->end, .size = BUFFER_BYTES - lines->end};
    while (out.pos == 0) {
        size_t left;

        if (lines->packed_in.pos == lines->packed_in.size) {
            ssize_t got = read_some(lines->fd, lines->packed, BUFFER_BYTES);

            if (got <= 0) {
                return got < 0 ? got : lines->frame_open ? -EBADMSG : 0;
            }
            lines->packed_in = (ZSTD_inBuffer){.src = lines->packed, .size = (size_t)got};
        }
        left = ZSTD_decompressStream(lines->zstd, &out, &lines->packed_in);
        if (ZSTD_isError(left)) {
            return -EBADMSG;
        }
        lines->frame_open = left != 0;
    }
    lines->end += out.pos;
    return (ssize_t)out.pos;
}

/* ---- what callers see ---------------------------------------------------------------------- */

int log_lines_open(const char *path, struct log_lines **ret_lines, struct failure *reterr)
{
    struct log_lines *lines = calloc(1, sizeof(*lines));
    AUTO_CLOSE int fd = -1;
    struct stat about = {0};
    int error;

    if (lines == NULL || (lines->buffer = malloc(BUFFER_BYTES)) == NULL) {
        free(lines);
        return failure_set(reterr, -ENOMEM, "cannot read the log: no memory");
    }
    lines->fd = lines->directory = -1;
    snprintf(lines->path, sizeof(lines->path), "%s", path);
    fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) < 0) {
        error = -errno;
    } else if (S_ISDIR(about.st_mode)) {
        lines->directory = openat(fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = lines->directory < 0 ? -errno : 0;
    } else {
        error = start_file(lines, take_fd(&fd), is_compressed(path));
    }
    if (error < 0) {
        failure_set(reterr, error, "cannot read the log: %s", strerror(-error));
        failure_set_needed(reterr, "%s", path);
        failure_set_mend(reterr, "name the audit directory with --audit DIR");
        log_lines_close(lines);
        return error;
    }
    *ret_lines = lines;
    return 0;
}

void log_lines_close(struct log_lines *lines)
{
    close_fd(&lines->fd);
    close_fd(&lines->directory);
    ZSTD_freeDStream(lines->zstd);
    free(lines->packed);
    free(lines->segments);
    free(lines->buffer);
    free(lines);
}

/* What is left of a line moves to the front, so that there is room behind it. */
static void make_room(struct log_lines *lines)
{
    if (lines->begin > 0) {
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
    }
}

/* At the end of the open file: 1 when there is more to read now, 0 at the end of the log. */
static int move_on(struct log_lines *lines, struct failure *reterr)
{
    int error = 0;

    /* Twice: a segment that was found may be compressed, under another name, when it is opened. */
    for (int i = 0; i < 2; i++) {
        size_t which;
        int next = find_next_segment(lines, &which);
        ssize_t got;

        if (next <= 0) {
            return next < 0 ? fail(lines, next, strerror(-next), reterr) : 0;
        }
        /* The writer may have added lines here before it began the next segment. */
        got = fill(lines);
        if (got != 0) {
            return got < 0 ? fail(lines, (int)got, strerror((int)-got), reterr) : 1;
        }
        if (lines->end > lines->begin) {
            return fail(lines, -EBADMSG, "the segment ends inside a line", reterr);
        }
        error = start_segment(lines, which);
        if (error == 0) {
            return 1;
        }
        lines->segment_count = 0;
    }
    return fail(lines, error, strerror(-error), reterr);
}

int log_lines_next(struct log_lines *lines, struct str_view *ret_line, struct failure *reterr)
{
    size_t searched = 0;

    for (;;) {
        const char *start = lines->buffer + lines->begin;
        size_t length = lines->end - lines->begin;
        const char *newline =
            length == searched ? NULL : memchr(start + searched, '\n', length - searched);
        ssize_t got;

        if (newline != NULL) {
            *ret_line = (struct str_view){.bytes = start, .length = (size_t)(newline - start)};
            lines->begin += ret_line->length + 1;
            return 1;
        }
        if (length > LINE_MAX_BYTES) {
            return fail(lines, -EBADMSG, "a line is longer than any record", reterr);
        }
        searched = length;
        make_room(lines);
        got = fill(lines);
        if (got < 0) {
            return fail(lines, (int)got, got == -EBADMSG ? "damaged" : strerror((int)-got), reterr);
        }
        if (got == 0) {
            int next = move_on(lines, reterr);

            if (next <= 0) {
                return next;
            }
            searched = 0;
        }
    }
}

int log_lines_seek(struct log_lines *lines, uint64_t seq, struct failure *reterr)
{
    size_t which = 0;
    int error;

    if (lines->directory < 0) {
        int fd = lseek(lines->fd, 0, SEEK_SET) < 0 ? -1 : fcntl(lines->fd, F_DUPFD_CLOEXEC, 0);

        error = fd < 0 ? -errno : start_file(lines, fd, lines->zstd != NULL);
        return error < 0 ? fail(lines, error, strerror(-error), reterr) : 0;
    }
    error = segments_read(lines);
    if (error == 0 && lines->segment_count > 0) {
        while (which + 1 < lines->segment_count && lines->segments[which + 1].first_seq <= seq) {
            which++;
        }
        error = start_segment(lines, which);
    }
    return error < 0 ? fail(lines, error, strerror(-error), reterr) : 0;
}

bool log_line_seq(struct str_view line, uint64_t *ret_seq)
{
    const struct str_view start = STR_VIEW_LITERAL("{\"v\":1,\"seq\":");
    struct json_scan scan;

    if (!str_view_starts_with(line, start)) {
        return false;
    }
    line.bytes += start.length;
    line.length -= start.length;
    scan = json_scan_init(line);
    return json_scan_count(&scan, ret_seq);
}

int log_lines_find(struct log_lines *lines, uint64_t seq, struct str_view *ret_line,
                   struct failure *reterr)
{
    int got = log_lines_seek(lines, seq, reterr);

    if (got < 0) {
        return got;
    }
    while ((got = log_lines_next(lines, ret_line, reterr)) > 0) {
        uint64_t at = 0;

        if (log_line_seq(*ret_line, &at) && at >= seq) {
            return at == seq;
        }
    }
    return got;
}
