#include "shared/audit/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

/* "/x001/x234/067" */
static void format_groups(uint64_t index, char groups[static 40])
{
    unsigned int group[7];
    unsigned int count = 0;
    size_t length = 0;

    do {
        group[count++] = (unsigned int)(index % 1000);
        index /= 1000;
    } while (index > 0);
    while (count > 0) {
        count--;
        length += (size_t)snprintf(groups + length, 40 - length, "/%s%03u", count > 0 ? "x" : "",
                                   group[count]);
    }
}

void tile_path_format(unsigned int level, uint64_t index, unsigned int width,
                      char path[static TILE_PATH_MAX])
{
    char groups[40];
    int length;

    format_groups(index, groups);
    length = snprintf(path, TILE_PATH_MAX, "tile/%u%s", level, groups);
    if (width < MERKLE_TILE_WIDTH) {
        snprintf(path + length, TILE_PATH_MAX - (size_t)length, ".p/%u", width);
    }
}

static int make_directories(int directory, char *path)
{
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(directory, path, 0700) < 0 && errno != EEXIST) {
            return -errno;
        }
        *slash = '/';
    }
    return 0;
}

int tile_write(int directory, unsigned int level, uint64_t index, const struct merkle_tile *tile)
{
    AUTO_CLOSE int fd = -1;
    char path[TILE_PATH_MAX];
    char temporary[TILE_PATH_MAX + 8];
    int error;

    tile_path_format(level, index, tile->width, path);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT) {
        error = make_directories(directory, path);
        if (error < 0) {
            return error;
        }
        fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    }
    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, tile->hash, (size_t)tile->width * SHA256_SIZE);
    if (error < 0) {
        unlinkat(directory, temporary, 0);
        return error;
    }
    return renameat(directory, temporary, directory, path) < 0 ? -errno : 0;
}

static int sync_at(int directory, const char *path, int flags)
{
    AUTO_CLOSE int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);

    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int tile_sync(int directory, unsigned int level, uint64_t index, unsigned int width,
              char synced[static TILE_PATH_MAX])
{
    char path[TILE_PATH_MAX];
    char *slash;
    int error;

    tile_path_format(level, index, width, path);
    error = sync_at(directory, path, 0);
    slash = strrchr(path, '/');
    *slash = '\0';
    if (error < 0 || strcmp(path, synced) == 0) {
        return error;
    }
    snprintf(synced, TILE_PATH_MAX, "%s", path);
    /* Its name, and the names of all directories on the way to it, which may be new. */
    for (bool is_below = true; error == 0 && is_below;) {
        error = sync_at(directory, path, O_DIRECTORY);
        slash = strrchr(path, '/');
        is_below = slash != NULL;
        if (is_below) {
            *slash = '\0';
        }
    }
    return error < 0 ? error : sync_at(directory, ".", O_DIRECTORY);
}

int tile_sync_next(int directory, unsigned int level, uint64_t index, unsigned int width)
{
    char path[TILE_PATH_MAX];
    int error;

    tile_path_format(level, index, width, path);
    error = sync_at(directory, path, 0);
    *strrchr(path, '/') = '\0';
    return error < 0 ? error : sync_at(directory, path, O_DIRECTORY);
}

void tile_remove_partial(int directory, unsigned int level, uint64_t index, unsigned int width)
{
    char path[TILE_PATH_MAX];

    tile_path_format(level, index, width, path);
    unlinkat(directory, path, 0);
    *strrchr(path, '/') = '\0';
    unlinkat(directory, path, AT_REMOVEDIR);
}

static int read_file(int directory, const char *path, unsigned int width, unsigned int file_width,
                     struct merkle_tile *ret_tile)
{
    AUTO_CLOSE int fd = open_plain_file(directory, path);
    uint8_t bytes[MERKLE_TILE_WIDTH * SHA256_SIZE + 1];
    ssize_t length;

    if (fd < 0) {
        return fd;
    }
    length = read_upto(fd, bytes, sizeof(bytes));
    if (length < 0) {
        return (int)length;
    }
    if ((size_t)length != (size_t)file_width * SHA256_SIZE) {
        return -EBADMSG;
    }
    ret_tile->width = width;
    memcpy(ret_tile->hash, bytes, (size_t)width * SHA256_SIZE);
    return 0;
}

int tile_read(int directory, unsigned int level, uint64_t index, unsigned int width,
              struct merkle_tile *ret_tile)
{
    char path[TILE_PATH_MAX];
    int error;

    tile_path_format(level, index, MERKLE_TILE_WIDTH, path);
    error = read_file(directory, path, width, MERKLE_TILE_WIDTH, ret_tile);
    if (error == -ENOENT && width < MERKLE_TILE_WIDTH) {
        tile_path_format(level, index, width, path);
        error = read_file(directory, path, width, width, ret_tile);
    }
    return error;
}

int tile_read_tree(int directory, uint64_t size, struct merkle_tree *ret_tree)
{
    ret_tree->size = size;
    for (unsigned int level = 0; level < MERKLE_LEVELS; level++) {
        uint64_t above = size >> (8 * (level + 1));
        unsigned int width = (unsigned int)(size >> (8 * level)) & (MERKLE_TILE_WIDTH - 1);

        ret_tree->level[level].width = width;
        if (width > 0) {
            int error = tile_read(directory, level, above, width, &ret_tree->level[level]);

            if (error < 0) {
                return error;
            }
        }
    }
    return 0;
}

struct proof {
    int directory;
    struct sha256 *sha;
    uint64_t size;
    uint8_t (*hash)[SHA256_SIZE];
    int count;
};

/* The root of the 2^height leaves from `start` on: a piece of one tile. */
static int perfect_subtree(const struct proof *proof, uint64_t start, unsigned int height,
                           uint8_t ret_root[static SHA256_SIZE])
{
    unsigned int level = height / 8;
    unsigned int count = 1U << (height % 8);
    uint64_t first = start >> (8 * level);
    uint64_t index = first / MERKLE_TILE_WIDTH;
    uint64_t in_level = proof->size >> (8 * level);
    unsigned int width = in_level / MERKLE_TILE_WIDTH > index
                             ? MERKLE_TILE_WIDTH
                             : (unsigned int)(in_level % MERKLE_TILE_WIDTH);
    struct merkle_tile tile;
    const struct merkle_tile *read = &tile;
    int error = tile_read(proof->directory, level, index, width, &tile);

    if (error < 0) {
        return error;
    }
    return merkle_perfect_root(proof->sha, read->hash + first % MERKLE_TILE_WIDTH, count, ret_root);
}

/* The largest power of two below `count`, as an exponent. */
static unsigned int split_height(uint64_t count)
{
    return 63U - (unsigned int)__builtin_clzll(count - 1);
}

static int subtree(const struct proof *proof, uint64_t start, uint64_t count,
                   uint8_t ret_root[static SHA256_SIZE])
{
    uint8_t right[SHA256_SIZE];
    unsigned int height;
    int error;

    if ((count & (count - 1)) == 0) {
        return perfect_subtree(proof, start, (unsigned int)__builtin_ctzll(count), ret_root);
    }
    height = split_height(count);
    error = perfect_subtree(proof, start, height, ret_root);
    if (error == 0) {
        error = subtree(proof, start + (1ULL << height), count - (1ULL << height), right);
    }
    return error < 0 ? error : merkle_node(proof->sha, ret_root, right, ret_root);
}

static int prove(struct proof *proof, uint64_t index, uint64_t start, uint64_t count)
{
    unsigned int height;
    uint64_t left;
    int error;

    if (count == 1) {
        return 0;
    }
    height = split_height(count);
    left = 1ULL << height;
    if (index < left) {
        error = prove(proof, index, start, left);
        if (error == 0) {
            error = subtree(proof, start + left, count - left, proof->hash[proof->count]);
        }
    } else {
        error = prove(proof, index - left, start + left, count - left);
        if (error == 0) {
            error = perfect_subtree(proof, start, height, proof->hash[proof->count]);
        }
    }
    proof->count++;
    return error;
}

int tile_inclusion_proof(int directory, struct sha256 *sha, uint64_t index, uint64_t size,
                         uint8_t (*hashes)[SHA256_SIZE])
{
    struct proof proof = {.directory = directory, .sha = sha, .size = size, .hash = hashes};
    int error;

    if (index >= size) {
        return -EINVAL;
    }
    error = prove(&proof, index, 0, size);
    return error < 0 ? error : proof.count;
}
