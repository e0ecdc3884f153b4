/*
 * A disk that fails when it is told to: what lies below DIRECTORY, shown at MOUNTPOINT. While the
 * file CONTROL has the word `eio`, writing and syncing answer EIO (what is written is lost, as with
 * a disk); with a number, each of them takes so many milliseconds.
 *
 *     faulty_fs CONTROL DIRECTORY -f MOUNTPOINT
 */
#define FUSE_USE_VERSION 312

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct disk {
    const char *control;
    int lower;
};

static const struct disk *disk(void)
{
    return fuse_get_context()->private_data;
}

/* Of a path that begins with a slash: "" is not taken by every call, "." is. */
static const char *below(const char *path)
{
    return path[1] == '\0' ? "." : path + 1;
}

static int answer(int result)
{
    return result < 0 ? -errno : 0;
}

/* What the disk does to a write or a sync now. */
static int fault(void)
{
    char word[16] = "";
    int fd = open(disk()->control, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return 0;
    }
    if (read(fd, word, sizeof(word) - 1) <= 0) {
        word[0] = '\0';
    }
    close(fd);
    if (strncmp(word, "eio", 3) == 0) {
        return -EIO;
    }
    if (word[0] != '\0') {
        long milliseconds = strtol(word, NULL, 10);
        struct timespec wait = {.tv_sec = milliseconds / 1000,
                                .tv_nsec = milliseconds % 1000 * 1000000};

        nanosleep(&wait, NULL);
    }
    return 0;
}

static int do_getattr(const char *path, struct stat *ret_stat, struct fuse_file_info *file)
{
    return file != NULL
               ? answer(fstat((int)file->fh, ret_stat))
               : answer(fstatat(disk()->lower, below(path), ret_stat, AT_SYMLINK_NOFOLLOW));
}

static int do_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
                      struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
    int fd = openat(disk()->lower, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    (void)offset;
    (void)file;
    (void)flags;
    if (directory == NULL) {
        return -errno;
    }
    while ((entry = readdir(directory)) != NULL) {
        fill(buffer, entry->d_name, NULL, 0, 0);
    }
    closedir(directory);
    return 0;
}

static int do_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
    int fd = openat(disk()->lower, below(path), file->flags | O_CREAT | O_CLOEXEC, mode);

    file->fh = (uint64_t)fd;
    return answer(fd);
}

static int do_open(const char *path, struct fuse_file_info *file)
{
    int fd = openat(disk()->lower, below(path), file->flags | O_CLOEXEC);

    file->fh = (uint64_t)fd;
    return answer(fd);
}

static int do_read(const char *path, char *bytes, size_t size, off_t offset,
                   struct fuse_file_info *file)
{
    ssize_t length = pread((int)file->fh, bytes, size, offset);

    (void)path;
    return length < 0 ? -errno : (int)length;
}

static int do_write(const char *path, const char *bytes, size_t size, off_t offset,
                    struct fuse_file_info *file)
{
    int error = fault();
    ssize_t length = error < 0 ? 0 : pwrite((int)file->fh, bytes, size, offset);

    (void)path;
    return error < 0 ? error : length < 0 ? -errno : (int)length;
}

static int do_fsync(const char *path, int is_data, struct fuse_file_info *file)
{
    int error = fault();

    (void)path;
    (void)is_data;
    return error < 0 ? error : answer(fdatasync((int)file->fh));
}

static int do_release(const char *path, struct fuse_file_info *file)
{
    (void)path;
    close((int)file->fh);
    return 0;
}

static int do_mkdir(const char *path, mode_t mode)
{
    return answer(mkdirat(disk()->lower, below(path), mode));
}

static int do_unlink(const char *path)
{
    return answer(unlinkat(disk()->lower, below(path), 0));
}

static int do_rmdir(const char *path)
{
    return answer(unlinkat(disk()->lower, below(path), AT_REMOVEDIR));
}

static int do_rename(const char *from, const char *to, unsigned int flags)
{
    return answer(renameat2(disk()->lower, below(from), disk()->lower, below(to), flags));
}

static int do_link(const char *from, const char *to)
{
    return answer(linkat(disk()->lower, below(from), disk()->lower, below(to), 0));
}

static int do_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
    return file != NULL ? answer(fchmod((int)file->fh, mode))
                        : answer(fchmodat(disk()->lower, below(path), mode, 0));
}

static int do_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *file)
{
    (void)file;
    return answer(fchownat(disk()->lower, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int do_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    int fd =
        file != NULL ? (int)file->fh : openat(disk()->lower, below(path), O_WRONLY | O_CLOEXEC);
    int error = answer(fd < 0 ? -1 : ftruncate(fd, size));

    if (file == NULL && fd >= 0) {
        close(fd);
    }
    return error;
}

static int do_fallocate(const char *path, int mode, off_t offset, off_t length,
                        struct fuse_file_info *file)
{
    (void)path;
    return answer(fallocate((int)file->fh, mode, offset, length));
}

static int do_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file)
{
    (void)file;
    return answer(utimensat(disk()->lower, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int do_statfs(const char *path, struct statvfs *ret_status)
{
    (void)path;
    return answer(fstatvfs(disk()->lower, ret_status));
}

int main(int argc, char **argv)
{
    const struct fuse_operations operations = {
        .getattr = do_getattr,
        .readdir = do_readdir,
        .create = do_create,
        .open = do_open,
        .read = do_read,
        .write = do_write,
        .fsync = do_fsync,
        .release = do_release,
        .mkdir = do_mkdir,
        .unlink = do_unlink,
        .rmdir = do_rmdir,
        .rename = do_rename,
        .link = do_link,
        .chmod = do_chmod,
        .chown = do_chown,
        .truncate = do_truncate,
        .fallocate = do_fallocate,
        .utimens = do_utimens,
        .statfs = do_statfs,
    };
    struct disk below_it;

    if (argc < 4) {
        fprintf(stderr, "usage: faulty_fs CONTROL DIRECTORY -f MOUNTPOINT\n");
        return 2;
    }
    below_it = (struct disk){.control = argv[1],
                             .lower = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (below_it.lower < 0) {
        perror(argv[2]);
        return 1;
    }
    argv[2] = argv[0];
    return fuse_main(argc - 2, argv + 2, &operations, &below_it);
}
