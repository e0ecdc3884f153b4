#include "cli/run/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/run/test_hooks.h"
#include "cli/run/view_files.h"
#include "cli/run/view_tables.h"
#include "shared/base/cleanup.h"
#include "shared/confine/file_place.h"
#include "shared/confine/mounts.h"

#define ROW_NAME(name) name,
static const char *const etc_names[] = {VIEW_ETC_TABLE(ROW_NAME)};
static const char *const device_names[] = {VIEW_DEVICE_TABLE(ROW_NAME)};
static const char *const proc_masked[] = {VIEW_PROC_MASKED_TABLE(ROW_NAME)};
static const char *const proc_read_only[] = {VIEW_PROC_READ_ONLY_TABLE(ROW_NAME)};
const char *const view_system_directories[] = {VIEW_SYSTEM_TABLE(ROW_NAME) NULL};
#undef ROW_NAME

static const struct {
    const char *name;
    const char *target;
} links[] = {
#define ROW_LINK(name, target) {name, target},
    VIEW_LINK_TABLE(ROW_LINK)
#undef ROW_LINK
};

static const struct {
    const char *path;
    bool below_too;
} reserved[] = {
#define ROW_RESERVED(path, below_too) {path, below_too},
    VIEW_RESERVED_TABLE(ROW_RESERVED)
#undef ROW_RESERVED
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int fail(struct failure *reterr, int error, const char *what, const char *path)
{
    return failure_set(reterr, error, "cannot prepare the run's view: %s %s: %s", what, path,
                       strerror(-error));
}

static bool is_below(const char *path, const char *parent)
{
    size_t length = strlen(parent);

    return strncmp(path, parent, length) == 0 && path[length] == '/';
}

int view_check_mount_path(const char *path, struct failure *reterr)
{
    if (path[0] != '/' || path[1] == '\0') {
        failure_set(reterr, -EINVAL, "the workspace cannot be mounted at %s", path);
        failure_set_mend(reterr, "give --mount an absolute path that is not /");
        return -EINVAL;
    }
    for (size_t i = 0; i < COUNT(reserved); i++) {
        if (strcmp(path, reserved[i].path) == 0 || is_below(reserved[i].path, path) ||
            (reserved[i].below_too && is_below(path, reserved[i].path))) {
            failure_set(reterr, -EINVAL,
                        "the workspace cannot be mounted at %s: %s is the run's own", path,
                        reserved[i].path);
            failure_set_mend(reterr, "--mount /workspace");
            return -EINVAL;
        }
    }
    return 0;
}

int view_check_workspace(const struct run_plan *plan, struct failure *reterr)
{
    AUTO_FREE struct file_place *place = malloc(sizeof(*place));
    const char *workspace = plan->workspace, *mount_path = plan->mount_path;
    int error = place == NULL ? -ENOMEM : file_place_of(plan->workspace_fd, place);

    for (size_t i = 0; error == 0 && i < COUNT(view_system_directories); i++) {
        const char *name = view_system_directories[i] == NULL ? "etc" : view_system_directories[i];
        char tree[64];

        snprintf(tree, sizeof(tree), "/%s", name);
        error = file_place_shown_in(place, tree, mount_path);
        if (error > 0) {
            failure_set(reterr, -EACCES, "%s is also seen in %s, which every run can read",
                        workspace, tree);
            failure_set_needed(reterr, "what the policy denies must not be read by another name");
            failure_set_mend(reterr, strcmp(workspace, mount_path) == 0
                                         ? "keep the workspace elsewhere"
                                         : "leave --mount out, or keep the workspace elsewhere");
            return -EACCES;
        }
    }
    /* Not listed (a chroot): its path is all there is to go by. */
    if (error == -ENOENT && (strcmp(workspace, mount_path) == 0 ||
                             (!is_below(workspace, "/usr") && !is_below(workspace, "/etc")))) {
        return 0;
    }
    return error < 0 ? fail(reterr, error, "find", workspace) : 0;
}

/* A copy of the machine's file or directory `source` (below `directory`; "" is that itself),
 * restricted, over the place `path`. */
static int bind_copy_at(int root, int directory, const char *source, const char *path,
                        uint64_t attributes)
{
    AUTO_CLOSE int mount = mount_copy(directory, source);
    int error;

    if (mount < 0) {
        return mount;
    }
    if (layer_is_off("read-only")) {
        attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    }
    error = mount_restrict(mount, attributes, true);
    return error < 0 ? error : mount_attach(mount, root, path);
}

static int bind_copy(int root, const char *source, const char *path, uint64_t attributes)
{
    return bind_copy_at(root, AT_FDCWD, source, path, attributes);
}

static int add_system_directory(int root, const char *name)
{
    char source[64];
    char target[256];
    struct stat found;
    ssize_t length;
    int error;

    snprintf(source, sizeof(source), "/%s", name);
    if (lstat(source, &found) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (S_ISLNK(found.st_mode)) {
        length = readlink(source, target, sizeof(target) - 1);
        if (length < 0 || (size_t)length == sizeof(target) - 1) {
            return length < 0 ? -errno : -ENAMETOOLONG;
        }
        target[length] = '\0';
        return place_make_link(root, name, target);
    }
    error = place_make_directory(root, name, 0755);
    return error < 0 ? error
                     : bind_copy(root, source, name,
                                 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/*
 * A link in /etc is copied as a link when it leads into the view (into /usr or /etc); any other is
 * left out, so that nothing is bound from where a link happens to lead.
 */
static int add_etc_link(int root, const char *source, const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(source, target, sizeof(target) - 1);

    if (length < 0 || (size_t)length == sizeof(target) - 1) {
        return length < 0 ? -errno : -ENAMETOOLONG;
    }
    target[length] = '\0';
    return is_below(target, "/usr") || is_below(target, "/etc") || target[0] != '/'
               ? place_make_link(root, path, target)
               : 0;
}

static int add_etc_name(int root, const char *name)
{
    const uint64_t attributes =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    char source[128];
    char parent[128];
    const char *path = source + 1;
    char *slash;
    struct stat found;
    int error;

    snprintf(source, sizeof(source), "/etc/%s", name);
    if (lstat(source, &found) < 0) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    *slash = '\0';
    error = place_make_directory(root, parent, 0755);
    if (error < 0) {
        return error;
    }
    switch (found.st_mode & S_IFMT) {
    case S_IFLNK:
        return add_etc_link(root, source, path);
    case S_IFDIR:
        error = place_make_directory(root, path, 0755);
        break;
    case S_IFREG:
        error = place_make_file(root, path, NULL, 0, 0644);
        break;
    default:
        return 0; /* sockets, FIFOs and devices do not belong there */
    }
    return error < 0 ? error : bind_copy(root, source, path, attributes);
}

static int add_tmpfs(int root, const char *path, mode_t mode, const struct identity *owner,
                     uint64_t attributes)
{
    char uid[16];
    char gid[16];
    char mode_text[8];
    const struct mount_setting settings[] = {
        {"mode", mode_text}, {"uid", uid},        {"gid", gid},
        {"size", "25%"},     {"source", "tmpfs"}, {"nr_inodes", "1048576"},
    };
    AUTO_CLOSE int mount = -1;
    int error = place_make_directory(root, path, 0755);

    if (error < 0) {
        return error;
    }
    snprintf(uid, sizeof(uid), "%u", owner == NULL ? 0 : owner->worker_uid);
    snprintf(gid, sizeof(gid), "%u", owner == NULL ? 0 : owner->worker_gid);
    snprintf(mode_text, sizeof(mode_text), "%o", (unsigned int)mode);
    mount = mount_new("tmpfs", settings, COUNT(settings),
                      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);
    return mount < 0 ? mount : mount_attach(mount, root, path);
}

/* A list of executables is only one where nothing new can be executed. */
static uint64_t writable_attributes(const struct run_plan *plan)
{
    return plan->executables.allow_list ? MOUNT_ATTR_NOEXEC : 0;
}

static int add_devices(int root, const struct identity *identity, struct failure *reterr)
{
    const struct mount_setting pts[] = {
        {"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0600"}, {"source", "devpts"}};
    AUTO_CLOSE int devpts = -1;
    char path[64];
    int error = place_make_directory(root, "dev/pts", 0755);

    for (size_t i = 0; error == 0 && i < COUNT(device_names); i++) {
        snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
        error = place_make_file(root, path + 1, NULL, 0, 0644);
        if (error == 0) {
            error = bind_copy(root, path, path + 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        }
        if (error < 0) {
            return fail(reterr, error, "bind", path);
        }
    }
    devpts = mount_new("devpts", pts, COUNT(pts), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    error = devpts < 0 ? devpts : mount_attach(devpts, root, "dev/pts");
    if (error < 0) {
        return fail(reterr, error, "mount", "/dev/pts");
    }
    error = add_tmpfs(root, "dev/shm", 01777, identity, MOUNT_ATTR_NOEXEC);
    return error < 0 ? fail(reterr, error, "mount", "/dev/shm") : 0;
}

/* An empty file that nobody may read or execute lies over each. */
static int cover_executables(int root, const struct executables *executables)
{
    static const char nothing[] = "dev/.covered";
    int error = executables->count == 0 ? 0 : place_make_file(root, nothing, NULL, 0, 0000);

    for (size_t i = 0; error == 0 && i < executables->count; i++) {
        AUTO_CLOSE int cover = mount_copy(root, nothing);

        error = cover < 0 ? cover
                          : mount_restrict(cover,
                                           MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                               MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                                           false);
        error = error < 0 ? error : mount_attach(cover, root, executables->covered[i] + 1);
    }
    return error;
}

static int make_place(int root, const struct extra_bind *bind)
{
    char parent[PATH_MAX];
    char *slash;
    int error;

    if (bind->directory) {
        return place_make_directory(root, bind->path + 1, 0755);
    }
    snprintf(parent, sizeof(parent), "%s", bind->path + 1);
    slash = strrchr(parent, '/');
    if (slash != NULL) {
        *slash = '\0';
        error = place_make_directory(root, parent, 0755);
        if (error < 0) {
            return error;
        }
    }
    error = place_make_file(root, bind->path + 1, NULL, 0, 0644);
    return error == -EEXIST ? 0 : error;
}

static int add_extra(int root, const struct run_plan *plan, struct failure *reterr)
{
    for (size_t i = 0; i < plan->binds.count; i++) {
        const struct extra_bind *bind = &plan->binds.items[i];
        uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
        AUTO_CLOSE int source = extra_bind_open(bind);
        int error = source < 0 ? source : make_place(root, bind);

        if (bind->kind == RUN_READ_ONLY) {
            attributes |= MOUNT_ATTR_RDONLY;
        } else if (plan->executables.allow_list) {
            attributes |= MOUNT_ATTR_NOEXEC;
        }
        error = error < 0 ? error : bind_copy_at(root, source, "", bind->path + 1, attributes);
        if (error < 0) {
            return fail(reterr, error, "bind", bind->path);
        }
    }
    return 0;
}

/* The kernel asks the server for everything, permissions included: it knows the policy. */
static int add_workspace(int root, const struct run_plan *plan, int fuse_fd)
{
    char fd[16];
    char uid[16];
    char gid[16];
    const struct mount_setting settings[] = {
        {"source", "failcore"}, {"subtype", "failcore"}, {"fd", fd},
        {"rootmode", "40000"},  {"user_id", uid},        {"group_id", gid},
    };
    AUTO_CLOSE int mount = -1;
    int error = place_make_directory(root, plan->mount_path + 1, 0755);

    if (error < 0) {
        return error;
    }
    snprintf(fd, sizeof(fd), "%d", fuse_fd);
    snprintf(uid, sizeof(uid), "%u", plan->identity.worker_uid);
    snprintf(gid, sizeof(gid), "%u", plan->identity.worker_gid);
    mount = mount_new("fuse", settings, COUNT(settings),
                      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | writable_attributes(plan));
    return mount < 0 ? mount : mount_attach(mount, root, plan->mount_path + 1);
}

static int make_root(int *ret_root)
{
    const struct mount_setting settings[] = {
        {"mode", "0755"}, {"size", "4m"}, {"nr_inodes", "4096"}, {"source", "failcore"}};
    AUTO_CLOSE int root =
        mount_new("tmpfs", settings, COUNT(settings), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    AUTO_CLOSE int here = -1;
    int error;

    if (root < 0) {
        return root;
    }
    /* On top of the old root: no directory of the machine has to exist or is covered. */
    here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0) {
        return -errno;
    }
    error = move_mount(root, "", here, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
                ? -errno
                : 0;
    if (error == 0) {
        *ret_root = take_fd(&root);
    }
    return error;
}

static int add_system(int root, struct failure *reterr)
{
    for (size_t i = 0; view_system_directories[i] != NULL; i++) {
        int error = add_system_directory(root, view_system_directories[i]);

        if (error < 0) {
            return fail(reterr, error, "bind /", view_system_directories[i]);
        }
    }
    if (place_make_directory(root, "etc", 0755) < 0) {
        return fail(reterr, -errno, "make", "/etc");
    }
    for (size_t i = 0; i < COUNT(etc_names); i++) {
        int error = add_etc_name(root, etc_names[i]);

        if (error < 0) {
            return fail(reterr, error, "bind /etc/", etc_names[i]);
        }
    }
    return 0;
}

static int add_private_places(int root, const struct run_plan *plan, struct failure *reterr)
{
    static const char *const empty[] = {"run", "var/lib", "var/cache", "proc", "sys"};
    const struct {
        const char *path;
        mode_t mode;
    } private_trees[] = {{"tmp", 01777}, {plan->home + 1, 0700}};
    int error = 0;

    for (size_t i = 0; i < COUNT(empty); i++) {
        error = place_make_directory(root, empty[i], 0755);
        if (error < 0) {
            return fail(reterr, error, "make /", empty[i]);
        }
    }
    for (size_t i = 0; i < COUNT(private_trees); i++) {
        error = add_tmpfs(root, private_trees[i].path, private_trees[i].mode, &plan->identity,
                          writable_attributes(plan));
        if (error < 0) {
            return fail(reterr, error, "mount /", private_trees[i].path);
        }
    }
    for (size_t i = 0; i < COUNT(links); i++) {
        error = place_make_link(root, links[i].name, links[i].target);
        if (error < 0 && error != -EEXIST) {
            return fail(reterr, error, "link /", links[i].name);
        }
    }
    return 0;
}

int view_build(const struct run_plan *plan, const char *resolver, int fuse_fd, int *ret_root,
               struct failure *reterr)
{
    AUTO_CLOSE int root = -1;
    int error = mount_isolate_all();

    if (error < 0) {
        return fail(reterr, error, "isolate", "the mounts");
    }
    error = make_root(&root);
    if (error < 0) {
        return fail(reterr, error, "mount", "the private root");
    }
    error = add_system(root, reterr);
    if (error == 0) {
        error = add_devices(root, &plan->identity, reterr);
    }
    if (error == 0) {
        error = add_private_places(root, plan, reterr);
    }
    if (error == 0) {
        error = view_files_write(root, plan, resolver, reterr);
    }
    if (error < 0) {
        return error;
    }
    error = cover_executables(root, &plan->executables);
    if (error < 0) {
        return fail(reterr, error, "cover", "denied executables");
    }
    error = add_extra(root, plan, reterr);
    if (error < 0) {
        return error;
    }
    error = add_workspace(root, plan, fuse_fd);
    if (error < 0) {
        return fail(reterr, error, "mount", plan->mount_path);
    }
    *ret_root = take_fd(&root);
    return 0;
}

static int mask_proc(int root, struct failure *reterr)
{
    AUTO_CLOSE int proc = place_open(root, "proc");
    char path[64];
    int error;

    if (proc < 0) {
        return fail(reterr, proc, "open", "/proc");
    }
    for (size_t i = 0; i < COUNT(proc_masked) + COUNT(proc_read_only); i++) {
        bool masked = i < COUNT(proc_masked);
        const char *name = masked ? proc_masked[i] : proc_read_only[i - COUNT(proc_masked)];
        AUTO_CLOSE int place = place_open(proc, name);
        AUTO_CLOSE int cover = -1;
        struct stat found;
        uint64_t attributes =
            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

        if (place == -ENOENT) {
            continue; /* this kernel has none */
        }
        if (place < 0 || fstat(place, &found) < 0) {
            return fail(reterr, place < 0 ? place : -errno, "open /proc/", name);
        }
        if (!masked) {
            cover = mount_copy(proc, name);
        } else if (S_ISDIR(found.st_mode)) {
            cover = mount_new("tmpfs", NULL, 0, attributes);
        } else {
            cover = mount_copy(root, "dev/null");
            attributes &= ~(uint64_t)MOUNT_ATTR_NODEV;
        }
        snprintf(path, sizeof(path), "proc/%s", name);
        error = cover < 0 ? cover : mount_restrict(cover, attributes, true);
        error = error < 0 ? error : mount_attach(cover, root, path);
        if (error < 0) {
            return fail(reterr, error, "cover /", path);
        }
    }
    return 0;
}

int view_enter(int root, bool nested, struct failure *reterr)
{
    const struct mount_setting settings[] = {{"source", "proc"}};
    AUTO_CLOSE int proc = mount_new("proc", settings, COUNT(settings),
                                    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    int error = proc < 0 ? proc : mount_attach(proc, root, "proc");

    if (error < 0) {
        fail(reterr, error, "mount", "/proc");
        failure_set_mend(reterr, "inside a container: one that shows its own /proc whole "
                                 "(podman: --security-opt unmask=ALL)");
        return error;
    }
    error = nested || layer_is_off("proc-masks") ? 0 : mask_proc(root, reterr);
    if (error < 0) {
        return error;
    }
    error = mount_restrict(root, MOUNT_ATTR_RDONLY, false);
    if (error < 0) {
        return fail(reterr, error, "make read-only", "the private root");
    }
    error = mount_become_root(root);
    return error < 0 ? fail(reterr, error, "enter", "the private root") : 0;
}
