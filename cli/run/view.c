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
#include "cli/run/view_mounts.h"
#include "cli/run/view_tables.h"
#include "shared/base/cleanup.h"
#include "shared/confine/mounts.h"

#define ROW_NAME(name) name,
static const char *const proc_masked[] = {VIEW_PROC_MASKED_TABLE(ROW_NAME)};
static const char *const proc_read_only[] = {VIEW_PROC_READ_ONLY_TABLE(ROW_NAME)};
#undef ROW_NAME

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FEW_NAMES 4 /* a listing is four requests */

static int fail(struct failure *reterr, int error, const char *what, const char *path)
{
    return failure_set(reterr, error, "cannot prepare the run's view: %s %s: %s", what, path,
                       strerror(-error));
}

/* A list of executables is only one where nothing new can be executed. */
static uint64_t writable_attributes(const struct run_plan *plan)
{
    return plan->executables.allow_list ? MOUNT_ATTR_NOEXEC : 0;
}

/* Nobody may read or execute what lies below: all are copies of the first. */
static int cover_executables(int root, const struct view_mounts *mounts,
                             const struct executables *executables)
{
    int error = executables->count == 0
                    ? 0
                    : mount_attach(mounts->cover, root, executables->covered[0] + 1);

    for (size_t i = 1; error == 0 && i < executables->count; i++) {
        AUTO_CLOSE int cover = mount_copy(root, executables->covered[0] + 1);

        error = cover < 0 ? cover : mount_attach(cover, root, executables->covered[i] + 1);
    }
    return error;
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
        AUTO_CLOSE int mount = -1;
        int error = source < 0 ? source : make_place(root, bind);

        if (bind->kind == RUN_READ_ONLY) {
            attributes |= MOUNT_ATTR_RDONLY;
        } else if (plan->executables.allow_list) {
            attributes |= MOUNT_ATTR_NOEXEC;
        }
        mount = error < 0 ? error : view_mounts_copy(source, "", attributes);
        error = mount < 0 ? mount : mount_attach(mount, root, bind->path + 1);
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
    error = view.root < 0 ? view.root : view.workspace < 0 ? view.workspace : 0;
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

static bool has_many(const struct view_tree *names, uint32_t directory)
{
    unsigned int count = 0;

    for (uint32_t i = names->names[directory].first; i != VIEW_NOWHERE; i = names->names[i].next) {
        count++;
    }
    return count > FEW_NAMES;
}

/* One listing of a directory instead of one look for each name in it. */
static int learn_names(int root, const struct view_tree *names)
{
    int error = 0;

    for (uint32_t i = 0; error == 0 && i < names->count; i++) {
        AUTO(text_buffer_clear) struct text_buffer path = {0};

        if (names->names[i].kind == VIEW_DIRECTORY && has_many(names, i)) {
            view_tree_append_path(names, i, (struct str_view){0}, &path);
            error = text_buffer_error(&path);
            error = error < 0 ? error : place_list(root, text_buffer_text(&path) + 1);
        }
    }
    return error;
}

int view_build(const struct run_plan *plan, const struct view_tree *names, const char *resolver,
               const struct view *view, struct failure *reterr)
{
    AUTO(view_mounts_clear) struct view_mounts mounts = VIEW_MOUNTS_NONE;
    const int root = view->root;
    int error = view_mounts_make(plan, names, resolver, &mounts, reterr);

    if (error < 0) {
        return error;
    }
    error = mount_attach_on_top(root);
    error = error < 0 ? error : learn_names(root, names);
    if (error < 0) {
        return fail(reterr, error, "read", "the private root");
    }
    error = view_mounts_attach(&mounts, plan, root, reterr);
    if (error < 0) {
        return error;
    }
    error = cover_executables(root, &mounts, &plan->executables);
    if (error < 0) {
        return fail(reterr, error, "cover", "denied executables");
    }
    error = add_extra(root, plan, reterr);
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
