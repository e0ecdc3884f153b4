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
#include "shared/confine/mounts.h"

#define ROW_NAME(name) name,
static const char *const etc_names[] = {VIEW_ETC_TABLE(ROW_NAME)};
static const char *const device_names[] = {VIEW_DEVICE_TABLE(ROW_NAME)};
static const char *const proc_masked[] = {VIEW_PROC_MASKED_TABLE(ROW_NAME)};
static const char *const proc_read_only[] = {VIEW_PROC_READ_ONLY_TABLE(ROW_NAME)};
static const char *const written_names[] = {VIEW_WRITTEN_TABLE(ROW_NAME)};
#undef ROW_NAME

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int fail(struct failure *reterr, int error, const char *what, const char *path)
{
    return failure_set(reterr, error, "cannot prepare the run's view: %s %s: %s", what, path,
                       strerror(-error));
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

    snprintf(uid, sizeof(uid), "%u", owner->worker_uid);
    snprintf(gid, sizeof(gid), "%u", owner->worker_gid);
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
    int error;

    for (size_t i = 0; i < COUNT(device_names); i++) {
        snprintf(path, sizeof(path), "/dev/%s", device_names[i]);
        error = bind_copy(root, path, path + 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
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

/* In the tree it is there already; in a private one, /tmp say, it has to be made. */
static int make_place(int root, const struct extra_bind *bind)
{
    char parent[PATH_MAX];
    char *slash;
    int there = place_open(root, bind->path + 1);
    int error = 0;

    if (there >= 0) {
        close(there);
        return 0;
    }
    if (bind->directory) {
        return place_make_directory(root, bind->path + 1, 0755);
    }
    snprintf(parent, sizeof(parent), "%s", bind->path + 1);
    slash = strrchr(parent, '/');
    if (slash != NULL) {
        *slash = '\0';
        error = place_make_directory(root, parent, 0755);
    }
    return error < 0 ? error : place_make_file(root, bind->path + 1, NULL, 0, 0644);
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

/*
 * A mount that failcore-mount serves. Of the workspace the kernel asks the server for everything,
 * permissions included: it knows the policy. The names of the root have nothing to decide, and all
 * of the run's processes may look at them, the first one as well.
 */
static int new_served(const struct identity *identity, int device, bool is_root,
                      uint64_t attributes)
{
    char fd[16];
    char uid[16];
    char gid[16];
    const struct mount_setting settings[] = {
        {"source", "failcore"},
        {"subtype", is_root ? "failcore-view" : "failcore"},
        {"fd", fd},
        {"rootmode", "40000"},
        {"user_id", uid},
        {"group_id", gid},
        {"allow_other", NULL},
        {"default_permissions", NULL},
    };

    snprintf(fd, sizeof(fd), "%d", device);
    snprintf(uid, sizeof(uid), "%u", is_root ? identity->keeper_uid : identity->worker_uid);
    snprintf(gid, sizeof(gid), "%u", is_root ? identity->keeper_gid : identity->worker_gid);
    return mount_new("fuse", settings, COUNT(settings) - (is_root ? 0 : 2),
                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);
}

/* On top of the old root: no directory of the machine has to exist or is covered. */
static int attach_on_top(int mount)
{
    AUTO_CLOSE int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return here < 0 || move_mount(mount, "", here, "",
                                  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
               ? -errno
               : 0;
}

int view_open(const struct run_plan *plan, int workspace_device, int root_device,
              struct view *ret_view, struct failure *reterr)
{
    struct view view = {.root = -1, .workspace = -1};
    int error = mount_isolate_all();

    if (error < 0) {
        return fail(reterr, error, "isolate", "the mounts");
    }
    view.root = new_served(&plan->identity, root_device, true, MOUNT_ATTR_RDONLY);
    view.workspace =
        new_served(&plan->identity, workspace_device, false, writable_attributes(plan));
    error = view.root < 0        ? view.root
            : view.workspace < 0 ? view.workspace
                                 : attach_on_top(view.root);
    if (error < 0) {
        view_close(&view);
        return fail(reterr, error, "mount", "the private root");
    }
    *ret_view = view;
    return 0;
}

void view_close(struct view *view)
{
    close_fd(&view->root);
    close_fd(&view->workspace);
}

/* One listing of a directory instead of one look for each name in it. */
static int learn_names(int root, const struct view_tree *names)
{
    int error = 0;

    for (uint32_t i = 0; error == 0 && i < names->count; i++) {
        AUTO(text_buffer_clear) struct text_buffer path = {0};

        if (names->names[i].kind == VIEW_DIRECTORY && names->names[i].first != VIEW_NOWHERE) {
            view_tree_append_path(names, i, (struct str_view){0}, &path);
            error = text_buffer_error(&path);
            error = error < 0 ? error : place_list(root, text_buffer_text(&path) + 1);
        }
    }
    return error;
}

/* What of the machine the names stand for. */
static int bind_of_machine(int root, const struct view_tree *names, const char *path,
                           uint64_t attributes, struct failure *reterr)
{
    uint32_t index = view_tree_find(names, path + 1);
    int error = 0;

    if (index != VIEW_NOWHERE &&
        (names->names[index].kind == VIEW_DIRECTORY || names->names[index].kind == VIEW_FILE)) {
        error = bind_copy(root, path, path + 1, attributes);
    }
    return error < 0 ? fail(reterr, error, "bind", path) : 0;
}

static int add_system(int root, const struct view_tree *names, struct failure *reterr)
{
    const uint64_t attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    char path[128];
    int error = 0;

    for (size_t i = 0; error == 0 && view_system_directories[i] != NULL; i++) {
        snprintf(path, sizeof(path), "/%s", view_system_directories[i]);
        error = bind_of_machine(root, names, path, attributes, reterr);
    }
    for (size_t i = 0; error == 0 && i < COUNT(etc_names); i++) {
        snprintf(path, sizeof(path), "/etc/%s", etc_names[i]);
        error = bind_of_machine(root, names, path, attributes | MOUNT_ATTR_NOEXEC, reterr);
    }
    return error;
}

/* One file of the launcher's own over a place. */
static int bind_written(int root, int files, const char *name, const char *path)
{
    return bind_copy_at(root, files, name, path,
                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                            MOUNT_ATTR_NOEXEC);
}

/* An empty file that nobody may read or execute lies over each. */
static int cover_executables(int root, int files, const struct executables *executables,
                             struct failure *reterr)
{
    static const char nothing[] = ".covered";
    int error = executables->count == 0 ? 0 : place_make_file(files, nothing, NULL, 0, 0000);

    for (size_t i = 0; error == 0 && i < executables->count; i++) {
        error = bind_written(root, files, nothing, executables->covered[i] + 1);
    }
    return error < 0 ? fail(reterr, error, "cover", "denied executables") : 0;
}

static int bind_all_written(int root, int files, const struct run_plan *plan, const char *resolver,
                            struct failure *reterr)
{
    int error = view_files_write(files, plan, resolver, reterr);
    char path[64];

    for (size_t i = 0; error == 0 && i < COUNT(written_names); i++) {
        snprintf(path, sizeof(path), "etc/%s", written_names[i]);
        error = bind_written(root, files, written_names[i], path);
        if (error < 0) {
            return fail(reterr, error, "bind /", path);
        }
    }
    return error < 0 ? error : cover_executables(root, files, &plan->executables, reterr);
}

/*
 * What the launcher writes itself lies in a file system that has no place in the run: it is
 * mounted where /proc will be, since only what is mounted can be bound, and taken away again.
 */
static int add_written(int root, const struct run_plan *plan, const char *resolver,
                       struct failure *reterr)
{
    const struct mount_setting settings[] = {
        {"mode", "0755"}, {"size", "1m"}, {"nr_inodes", "64"}, {"source", "failcore"}};
    AUTO_CLOSE int files =
        mount_new("tmpfs", settings, COUNT(settings), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    int error = files < 0 ? files : mount_attach(files, root, "proc");

    if (error < 0) {
        return fail(reterr, error, "mount", "the run's own files");
    }
    error = bind_all_written(root, files, plan, resolver, reterr);
    if (error < 0) {
        return error;
    }
    error = mount_detach(files);
    return error < 0 ? fail(reterr, error, "unmount", "the run's own files") : 0;
}

static int add_private_places(int root, const struct run_plan *plan, struct failure *reterr)
{
    const struct {
        const char *path;
        mode_t mode;
    } private_trees[] = {{"tmp", 01777}, {plan->home + 1, 0700}};

    for (size_t i = 0; i < COUNT(private_trees); i++) {
        int error = place_make_directory(root, private_trees[i].path, 0755);

        error = error < 0 ? error
                          : add_tmpfs(root, private_trees[i].path, private_trees[i].mode,
                                      &plan->identity, writable_attributes(plan));
        if (error < 0) {
            return fail(reterr, error, "mount /", private_trees[i].path);
        }
    }
    return 0;
}

int view_build(const struct run_plan *plan, const struct view_tree *names, const char *resolver,
               const struct view *view, struct failure *reterr)
{
    const int root = view->root;
    int error = learn_names(root, names);

    if (error < 0) {
        return fail(reterr, error, "read", "the private root");
    }
    error = add_system(root, names, reterr);
    error = error < 0 ? error : add_devices(root, &plan->identity, reterr);
    error = error < 0 ? error : add_private_places(root, plan, reterr);
    error = error < 0 ? error : add_written(root, plan, resolver, reterr);
    error = error < 0 ? error : add_extra(root, plan, reterr);
    if (error < 0) {
        return error;
    }
    error = place_make_directory(root, plan->mount_path + 1, 0755);
    error = error < 0 ? error : mount_attach(view->workspace, root, plan->mount_path + 1);
    return error < 0 ? fail(reterr, error, "mount", plan->mount_path) : 0;
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
    error = mount_become_root(root);
    return error < 0 ? fail(reterr, error, "enter", "the private root") : 0;
}
