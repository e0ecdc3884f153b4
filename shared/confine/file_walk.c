#include "shared/confine/file_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shared/base/cleanup.h"

#define DEPTH_MOST 128 /* directories that are open at once */

struct walk {
    file_walker *walker;
    void *context;
    char path[PATH_MAX];
    size_t length;
    unsigned int depth;
    bool numbers_hold; /* of the directory that is read */
};

/* Stacked file systems list numbers of the layer below, which stat(2) may say otherwise. */
static bool lists_numbers(int directory)
{
    static const unsigned long kinds[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                          TMPFS_MAGIC};
    struct statfs found;

    if (fstatfs(directory, &found) < 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if ((unsigned long)found.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

static bool is_vanished_or_closed(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EACCES;
}

/* Some file systems leave it to stat(2). */
static unsigned char type_of(int directory, const struct dirent *entry)
{
    struct stat found;

    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type;
    }
    return fstatat(directory, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) < 0
               ? DT_UNKNOWN
               : (unsigned char)IFTODT(found.st_mode);
}

static int walk_directory(struct walk *walk, int parent, const char *name);

static int walk_entry(struct walk *walk, int directory, const struct dirent *entry)
{
    const size_t above = walk->length;
    const size_t length = strlen(entry->d_name);
    const unsigned char type = type_of(directory, entry);
    int error = 0;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
        return 0;
    }
    if (above + 1 + length >= sizeof(walk->path)) {
        return -ENAMETOOLONG;
    }
    walk->path[above] = '/';
    memcpy(walk->path + above + 1, entry->d_name, length + 1);
    walk->length = above + 1 + length;
    if (type == DT_DIR) {
        error = walk_directory(walk, directory, entry->d_name);
    } else if (type == DT_REG || type == DT_LNK) {
        const struct walked_file file = {.path = walk->path,
                                         .name = walk->path + above + 1,
                                         .directory = directory,
                                         .inode = walk->numbers_hold ? entry->d_ino : 0,
                                         .is_link = type == DT_LNK};

        error = walk->walker(walk->context, &file);
    }
    walk->length = above;
    walk->path[above] = '\0';
    return error;
}

static int walk_directory(struct walk *walk, int parent, const char *name)
{
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const bool above_hold = walk->numbers_hold;
    DIR *directory;
    int error = 0;

    if (fd < 0) {
        return is_vanished_or_closed(errno) ? 0 : -errno;
    }
    if (walk->depth == DEPTH_MOST) {
        return -ELOOP;
    }
    directory = fdopendir(fd);
    if (directory == NULL) {
        return -errno;
    }
    (void)take_fd(&fd); /* the stream's now */
    walk->depth++;
    walk->numbers_hold = lists_numbers(dirfd(directory));
    while (error == 0) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(directory);
        if (entry == NULL) {
            error = -errno;
            break;
        }
        error = walk_entry(walk, dirfd(directory), entry);
    }
    walk->depth--;
    walk->numbers_hold = above_hold;
    closedir(directory);
    return error;
}

int file_walk(const char *root, file_walker *walker, void *context)
{
    struct walk walk = {.walker = walker, .context = context, .length = strlen(root)};

    if (walk.length >= sizeof(walk.path)) {
        return -ENAMETOOLONG;
    }
    memcpy(walk.path, root, walk.length + 1);
    return walk_directory(&walk, AT_FDCWD, root);
}
