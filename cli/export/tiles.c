#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/export/export.h"
#include "shared/audit/log_lines.h"
#include "shared/audit/record_hash.h"
#include "shared/audit/signed_head.h"
#include "shared/audit/tile.h"
#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

/* The exported prefix has the tree exactly as it was signed: made again from the records. */
struct prefix {
    int output;
    struct sha256 *sha;
    struct checkpoint head;
    struct merkle_tree tree;
    struct text_buffer bundle; /* entries, each with its length in two bytes before it */
};

static int write_file(int directory, const char *path, struct str_view bytes)
{
    AUTO_CLOSE int fd = -1;
    char part[TILE_PATH_MAX + 16];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        if (mkdirat(directory, part, 0777) < 0 && errno != EEXIST) {
            return -errno;
        }
    }
    fd = openat(directory, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : write_all(fd, bytes.bytes, bytes.length);
}

/* tile/entries/<index>: as the level 0 tile of the same index. */
static int write_bundle(struct prefix *prefix, uint64_t index, unsigned int width)
{
    char tile[TILE_PATH_MAX];
    char path[TILE_PATH_MAX + 16];
    int error;

    tile_path_format(0, index, width, tile);
    snprintf(path, sizeof(path), "tile/entries%s", tile + strlen("tile/0"));
    error = text_buffer_error(&prefix->bundle);
    if (error == 0) {
        error = write_file(prefix->output, path, text_buffer_view(&prefix->bundle));
    }
    text_buffer_reset(&prefix->bundle);
    return error;
}

static int on_full_tile(void *context, unsigned int level, uint64_t index,
                        const struct merkle_tile *tile)
{
    struct prefix *prefix = context;
    int error = tile_write(prefix->output, level, index, tile);

    return error == 0 && level == 0 ? write_bundle(prefix, index, MERKLE_TILE_WIDTH) : error;
}

/* The entry is what is hashed: the line up to its own hash, and "}}". */
static int add_entry(struct prefix *prefix, struct str_view line)
{
    size_t length = line.length - (RECORD_TAIL_SIZE - 1) + 2;
    uint8_t leaf[SHA256_SIZE];
    int error = record_hash(line, prefix->sha, leaf);

    if (error < 0) {
        return error;
    }
    text_buffer_append_char(&prefix->bundle, (char)(length >> 8));
    text_buffer_append_char(&prefix->bundle, (char)(length & 0xFF));
    text_buffer_append(&prefix->bundle,
                       (struct str_view){.bytes = line.bytes, .length = length - 2});
    text_buffer_append_text(&prefix->bundle, "}}");
    return merkle_append(&prefix->tree, leaf, prefix->sha, on_full_tile, prefix);
}

static int add_entries(struct prefix *prefix, struct log_lines *lines, struct failure *reterr)
{
    struct str_view line;
    int got;
    int error = 0;

    while (error == 0 && prefix->tree.size < prefix->head.size &&
           (got = log_lines_next(lines, &line, reterr)) == 1) {
        error = add_entry(prefix, line);
    }
    if (error == 0 && prefix->tree.size < prefix->head.size) {
        failure_set_mend(reterr, "failcore audit verify");
        return failure_set(reterr, -ENODATA, "the log does not hold all records that were signed");
    }
    return error;
}

static int write_edge(struct prefix *prefix)
{
    int error = 0;

    for (unsigned int level = 0; error == 0 && level < MERKLE_LEVELS; level++) {
        if (prefix->tree.level[level].width > 0) {
            error = tile_write(prefix->output, level, prefix->tree.size >> (8 * (level + 1)),
                               &prefix->tree.level[level]);
        }
    }
    if (error == 0 && prefix->tree.level[0].width > 0) {
        error = write_bundle(prefix, prefix->tree.size / MERKLE_TILE_WIDTH,
                             prefix->tree.level[0].width);
    }
    return error;
}

static int read_head(struct prefix *prefix, const char *audit, struct text_buffer *note,
                     struct failure *reterr)
{
    AUTO_CLOSE int directory = open(audit, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct note_key key;
    int error = directory < 0
                    ? failure_set(reterr, -errno, "cannot open %s: %s", audit, strerror(errno))
                    : audit_key_read(directory, NULL, prefix->sha, &key, reterr);

    return error < 0 ? error : audit_head_read(directory, &key, note, &prefix->head, reterr);
}

static int export_to(struct prefix *prefix, const char *audit, const char *output,
                     struct failure *reterr)
{
    AUTO(text_buffer_clear) struct text_buffer note = {0};
    AUTO(log_lines_release) struct log_lines *lines = NULL;
    uint8_t root[SHA256_SIZE];
    int error = read_head(prefix, audit, &note, reterr);

    if (error == 0) {
        error = log_lines_open(audit, &lines, reterr);
    }
    if (error < 0) {
        return error;
    }
    if (mkdir(output, 0777) < 0 && errno != EEXIST) {
        return failure_set(reterr, -errno, "cannot make %s: %s", output, strerror(errno));
    }
    prefix->output = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (prefix->output < 0) {
        return failure_set(reterr, -errno, "cannot open %s: %s", output, strerror(errno));
    }
    error = add_entries(prefix, lines, reterr);
    if (error == 0) {
        error = write_edge(prefix);
    }
    if (error == 0 && (merkle_root(&prefix->tree, prefix->sha, root) < 0 ||
                       memcmp(root, prefix->head.root, SHA256_SIZE) != 0)) {
        failure_set_mend(reterr, "failcore audit verify");
        return failure_set(reterr, -EBADMSG, "the records are not those that were signed");
    }
    if (error == 0) {
        error = write_file(prefix->output, "checkpoint", text_buffer_view(&note));
    }
    return error < 0
               ? failure_set(reterr, error, "cannot write to %s: %s", output, strerror(-error))
               : 0;
}

int export_tiles(const char *audit, const char *output, struct failure *reterr)
{
    struct prefix *prefix = calloc(1, sizeof(*prefix));
    int error;

    if (prefix == NULL || (prefix->sha = sha256_new()) == NULL) {
        free(prefix);
        return failure_set(reterr, -ENOMEM, "no memory");
    }
    prefix->output = -1;
    error = export_to(prefix, audit, output, reterr);
    close_fd(&prefix->output);
    sha256_free(prefix->sha);
    text_buffer_clear(&prefix->bundle);
    free(prefix);
    return error;
}
