#include "shared/confine/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/cleanup.h"
#include "shared/base/file_io.h"

int mount_new(const char *type, const struct mount_setting *settings, size_t count,
              uint64_t attributes)
{
    AUTO_CLOSE int context = fsopen(type, FSOPEN_CLOEXEC);
    int mount;

    if (context < 0) {
        return -errno;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned int command = settings[i].value == NULL ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;

        if (fsconfig(context, command, settings[i].key, settings[i].value, 0) < 0) {
            return -errno;
        }
    }
    if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
        return -errno;
    }
    mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)attributes);
    return mount < 0 ? -errno : mount;
}

int mount_copy(int directory, const char *path)
{
    int mount = open_tree(directory, path,
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_NO_AUTOMOUNT |
                              AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);

    return mount < 0 ? -errno : mount;
}

int mount_restrict(int mount, uint64_t attributes, bool recursive)
{
    struct mount_attr attr = {.attr_set = attributes};

    return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U), &attr,
                         sizeof(attr)) < 0
               ? -errno
               : 0;
}

static int open_place(int root, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned int)flags | O_CLOEXEC | O_NOFOLLOW,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
    };
    long fd = syscall(SYS_openat2, root, path[0] == '\0' ? "." : path, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

int place_open(int root, const char *path)
{
    return open_place(root, path, O_PATH);
}

int place_list(int root, const char *path)
{
    AUTO_CLOSE int directory = open_place(root, path, O_RDONLY | O_DIRECTORY);
    char entries[32768];
    ssize_t got = directory;

    while (got >= 0 && (got = getdents64(directory, entries, sizeof(entries))) > 0) {
        /* what they are does not matter here */
    }
    return directory < 0 ? directory : got < 0 ? -errno : 0;
}

int mount_attach(int mount, int root, const char *path)
{
    AUTO_CLOSE int place = place_open(root, path);

    if (place < 0) {
        return place;
    }
    return move_mount(mount, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

int mount_attach_on_top(int mount)
{
    AUTO_CLOSE int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return here < 0 || move_mount(mount, "", here, "",
                                  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

int mount_detach(int mount)
{
    if (fchdir(mount) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
        return -errno;
    }
    return 0;
}

int mount_isolate_all(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

int mount_become_root(int root)
{
    /* pivot_root(2), NOTES: "." twice stacks the old root on the new one, where it is detached. */
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) {
        return -errno;
    }
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
        return -errno;
    }
    return 0;
}

/* The directory that holds the last component; *ret_name points at that component in `path`. */
static int open_parent(int root, const char *path, const char **ret_name)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        *ret_name = path;
        return place_open(root, "");
    }
    if ((size_t)(slash - path) >= sizeof(parent)) {
        return -ENAMETOOLONG;
    }
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = '\0';
    *ret_name = slash + 1;
    return place_open(root, parent);
}

static int make_one(int root, const char *path, mode_t mode)
{
    const char *name;
    AUTO_CLOSE int parent = open_parent(root, path, &name);

    if (parent < 0) {
        return parent;
    }
    if (mkdirat(parent, name, mode) == 0) {
        /* The umask is the workload's business. */
        return fchmodat(parent, name, mode, 0) < 0 ? -errno : 0;
    }
    return errno == EEXIST ? 0 : -errno;
}

static int check_directory(int root, const char *path)
{
    AUTO_CLOSE int fd = place_open(root, path);
    struct stat found;

    if (fd < 0) {
        return fd;
    }
    return fstat(fd, &found) < 0 ? -errno : S_ISDIR(found.st_mode) ? 0 : -ENOTDIR;
}

int place_make_directory(int root, const char *path, mode_t mode)
{
    char text[PATH_MAX];
    size_t length = strlen(path);
    int error = check_directory(root, path);

    if (error != -ENOENT) {
        return error; /* most are there: many names lie in few directories */
    }
    if (length >= sizeof(text)) {
        return -ENAMETOOLONG;
    }
    memcpy(text, path, length + 1);
    for (char *slash = strchr(text + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = make_one(root, text, mode);
        if (error < 0) {
            return error;
        }
        *slash = '/';
    }
    error = make_one(root, text, mode);
    return error < 0 ? error : check_directory(root, text);
}

int place_make_file(int root, const char *path, const void *bytes, size_t length, mode_t mode)
{
    const char *name;
    AUTO_CLOSE int parent = open_parent(root, path, &name);
    AUTO_CLOSE int file = -1;

    if (parent < 0) {
        return parent;
    }
    file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file < 0 || fchmod(file, mode) < 0) {
        return -errno;
    }
    return length == 0 ? 0 : write_all(file, bytes, length);
}
