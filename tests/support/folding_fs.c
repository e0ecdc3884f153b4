/*
 * A file system that folds names, as vfat or a casefold directory does, for kernels that have
 * neither: one file, `secret`, found by any case of it.
 *
 *     folding_fs -f MOUNTPOINT
 */
#define FUSE_USE_VERSION 312

#include <errno.h>
#include <fuse.h>
#include <string.h>
#include <strings.h>

static int get_attributes(const char *path, struct stat *ret_stat, struct fuse_file_info *file)
{
    (void)file;
    *ret_stat = (struct stat){.st_nlink = 1};
    if (strcmp(path, "/") == 0) {
        ret_stat->st_mode = S_IFDIR | 0755;
        return 0;
    }
    if (strcasecmp(path, "/secret") == 0) {
        ret_stat->st_mode = S_IFREG | 0644;
        return 0;
    }
    return -ENOENT;
}

static int list(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
                struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
    (void)path;
    (void)offset;
    (void)file;
    (void)flags;
    return fill(buffer, "secret", NULL, 0, 0) == 0 ? 0 : -ENOMEM;
}

int main(int argc, char **argv)
{
    const struct fuse_operations operations = {.getattr = get_attributes, .readdir = list};

    return fuse_main(argc, argv, &operations, NULL);
}
